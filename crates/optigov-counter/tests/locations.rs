//! Exchange Online beside the own server: what is said of a mailbox's place, what is refused, and what a save changes.

use optigov_counter::{Code, Counter, Fault, Language, Mailbox, MailboxLocation, Municipality};

const ON_PREMISES: &str = "[exchange]\nurl = \"https://mail.musterstadt.example/EWS/Exchange.asmx\"\n\
    authentication = \"basic\"\naccount = \"svc\"\nsecret = \"provided\"\n";
const ONLINE: &str = "[exchange_online]\ntenant = \"musterstadt.onmicrosoft.com\"\n\
    client_id = \"11111111-2222-4333-8444-555555555555\"\nsecret = \"provided\"\n";

fn read(parts: &[&str]) -> Result<Municipality, Vec<Fault>> {
    let text = format!("name = \"Musterstadt\"\n{}", parts.join("\n"));
    Municipality::from_toml(&text).map_err(|faults| faults.into_iter().collect())
}

fn town(parts: &[&str]) -> Municipality {
    read(parts).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn counter(id: &str, mailboxes: &str) -> String {
    format!(
        "[[counters]]\nid = \"{id}\"\nname = \"{id}\"\nexchange_sync = {{ on = true, mailboxes = [{mailboxes}] }}\n"
    )
}

fn location(town: &Municipality, address: &str) -> MailboxLocation {
    town.location_of(&Mailbox::parse(address).expect("an address"))
}

const ANNA: &str = "anna@musterstadt.example";

#[test]
fn without_a_word_a_mailbox_lies_where_the_connections_lead() {
    for (parts, expected) in [
        (&[][..], MailboxLocation::OnPremises),
        (&[ON_PREMISES], MailboxLocation::OnPremises),
        (&[ONLINE], MailboxLocation::Online),
        (&[ON_PREMISES, ONLINE], MailboxLocation::Auto),
    ] {
        assert_eq!(location(&town(parts), ANNA), expected);
    }
    let auto = "[mailbox_locations]\ndefault = \"auto\"\n";
    assert_eq!(location(&town(&[ONLINE, auto]), ANNA), MailboxLocation::Online);
}

#[test]
fn a_counter_comes_before_an_address_that_comes_before_its_domain_that_comes_before_the_default() {
    let rules = "[mailbox_locations]\ndefault = \"on_premises\"\nonline = [\"cloud.example\", \"ben@musterstadt.example\"]\nauto = [\"eva@cloud.example\"]\n";
    let own = counter(
        "eins",
        "\"ben@musterstadt.example\", { address = \"Dora@cloud.example\", location = \"on-premises\" }",
    );
    let town = town(&[ON_PREMISES, ONLINE, rules, &own]);
    for (address, expected) in [
        (ANNA, MailboxLocation::OnPremises),
        ("ben@musterstadt.example", MailboxLocation::Online),
        ("clara@cloud.example", MailboxLocation::Online),
        ("eva@cloud.example", MailboxLocation::Auto),
        ("dora@cloud.example", MailboxLocation::OnPremises),
    ] {
        assert_eq!(location(&town, address), expected, "{address}");
    }
    for text in [town.to_toml(), town.to_json()] {
        let again = if text.starts_with('{') { Municipality::from_json(&text) } else { Municipality::from_toml(&text) };
        let again = again.unwrap_or_else(|faults| panic!("{faults}\n{text}"));
        assert_eq!(again, town);
        assert_eq!(location(&again, "dora@cloud.example"), MailboxLocation::OnPremises);
    }
}

#[test]
fn a_saved_counter_says_anew_where_its_mailboxes_lie() {
    let town = town(&[
        ON_PREMISES,
        ONLINE,
        &counter("eins", "{ address = \"anna@musterstadt.example\", location = \"online\" }"),
    ]);
    assert_eq!(location(&town, ANNA), MailboxLocation::Online);
    let saved = |id: &str, mailbox: &str| {
        let text =
            format!(r#"{{ "id": "{id}", "name": "S", "exchange_sync": {{ "on": true, "mailboxes": [{mailbox}] }} }}"#);
        town.with_counter(Counter::from_json(&text).expect("a counter"))
    };
    let moved = saved("eins", r#"{ "address": "anna@musterstadt.example", "location": "on_premises" }"#)
        .expect("it may say another place");
    assert_eq!(location(&moved, ANNA), MailboxLocation::OnPremises);
    assert_eq!(
        location(&saved("eins", r#""anna@musterstadt.example""#).expect("or none"), ANNA),
        MailboxLocation::Auto
    );
    assert_eq!(location(&town.without_counter("eins").expect("it is there"), ANNA), MailboxLocation::Auto);
    assert_eq!(
        location(&saved("zwei", r#""anna@musterstadt.example""#).expect("nothing is said"), ANNA),
        MailboxLocation::Online
    );
    let faults =
        saved("zwei", r#"{ "address": "anna@musterstadt.example", "location": "auto" }"#).expect_err("a contradiction");
    let fault = faults.errors().next().expect("an error");
    assert_eq!(
        (fault.path().as_str(), fault.code()),
        ("exchange_sync.mailboxes[0].location", Code::ConflictingLocations)
    );
}

#[test]
fn what_contradicts_itself_or_leads_nowhere_is_refused_with_its_place_and_what_to_do() {
    let located =
        |place: &str| counter("eins", &format!("{{ address = \"anna@musterstadt.example\", location = \"{place}\" }}"));
    let two = located("online") + &located("on_premises").replace("eins", "zwei");
    for (parts, path, code) in [
        (
            &[ON_PREMISES, "[mailbox_locations]\nonline = [\"musterstadt.example\"]"][..],
            "mailbox_locations.online[0]",
            Code::LocationWithoutConnection,
        ),
        (
            &[ONLINE, "[mailbox_locations]\ndefault = \"on_premises\""],
            "mailbox_locations.default",
            Code::LocationWithoutConnection,
        ),
        (
            &[ON_PREMISES, &located("online")],
            "counters[0].exchange_sync.mailboxes[0].location",
            Code::LocationWithoutConnection,
        ),
        (&[ON_PREMISES, ONLINE, &two], "counters[1].exchange_sync.mailboxes[0].location", Code::ConflictingLocations),
        (
            &[ON_PREMISES, ONLINE, &located("cloud")],
            "counters[0].exchange_sync.mailboxes[0].location",
            Code::UnknownWord,
        ),
        (
            &[ON_PREMISES, ONLINE, "[mailbox_locations]\nonline = [\"a.example\"]\nauto = [\"A.example\"]"],
            "mailbox_locations.auto[0]",
            Code::Conflict,
        ),
        (
            &[ON_PREMISES, ONLINE, "[mailbox_locations]\nonline = [\"anna\"]"],
            "mailbox_locations.online[0]",
            Code::Malformed,
        ),
        (&[ON_PREMISES, ONLINE, "when_unavailable = \"ignore\""], "exchange_online.when_unavailable", Code::Conflict),
        (&[ONLINE, "private_key = \"/k.pem\""], "exchange_online.certificate", Code::MissingKey),
        (&[ONLINE, "certificate = \"/c.pem\"\nprivate_key = \"/k.pem\""], "exchange_online.secret", Code::Conflict),
        (&[ONLINE, "endpoint = \"https://graph.microsoft.com/v1.0\""], "exchange_online.endpoint", Code::Malformed),
        (&[ONLINE, "authority = \"http://login.microsoftonline.com\""], "exchange_online.authority", Code::Malformed),
        (&[ONLINE, "password = \"Sesam-4711\""], "exchange_online.password", Code::InlineSecret),
        (&[ONLINE, "credential_lock = \"1s\""], "exchange_online.credential_lock", Code::OutOfRange),
        (&[ONLINE, "only_given_roots = true"], "exchange_online.only_given_roots", Code::Conflict),
        (
            &[ONLINE, "proxy = \"http://proxy\"\nproxy_account = \"svc\""],
            "exchange_online.proxy_secret",
            Code::MissingKey,
        ),
    ] {
        let faults = read(parts).err().unwrap_or_else(|| panic!("accepted: {parts:?}"));
        let told: Vec<_> = faults.iter().map(|fault| (fault.path(), fault.code())).collect();
        assert!(told.contains(&(path.to_owned(), code)), "{told:?} without {path}: {code}");
        for fault in &faults {
            for language in Language::ALL {
                let line = fault.describe(language);
                assert!(
                    !line.contains("4711") && !line.contains("anna@") && !fault.remedy(language).is_empty(),
                    "{line}"
                );
            }
        }
    }
    for wrong in ["tenant = \"common\"", "client_id = \"optigov\""] {
        let key = wrong.split(' ').next().expect("a key");
        let text = ONLINE.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n");
        let faults = read(&[&text, wrong]).expect_err(wrong);
        assert_eq!(faults[0].path(), format!("exchange_online.{key}"));
    }
    let nothing = ONLINE.replace("secret = \"provided\"\n", "");
    assert_eq!(read(&[&nothing]).expect_err("no credential")[0].path(), "exchange_online.certificate");
}

#[test]
fn free_busy_with_places_to_be_found_out_is_warned_of() {
    let free_busy = format!("{ON_PREMISES}access = \"free_busy\"\n");
    let warned = town(&[&free_busy, ONLINE]).warnings();
    assert_eq!(
        warned.iter().map(|fault| (fault.path(), fault.code())).collect::<Vec<_>>(),
        [("exchange.access".to_owned(), Code::LocationNotTold)]
    );
    assert!(town(&[&free_busy, ONLINE, "[mailbox_locations]\ndefault = \"online\""]).warnings().is_empty());
}

#[test]
fn neither_tenant_nor_application_nor_address_is_shown_by_debug() {
    let rules = "[mailbox_locations]\nonline = [\"ben@musterstadt.example\"]\n";
    let shown = format!("{:?}", town(&[ON_PREMISES, ONLINE, rules]));
    for part in ["musterstadt.onmicrosoft", "11111111-2222", "ben@"] {
        assert!(!shown.contains(part), "{part} in {shown}");
    }
}

//! The flows of citizens and clerks in a real browser: Debian's Chromium, driven by its own driver. Where there is none, every test says so and
//! passes; with `OPTIGOV_BROWSER=required` it fails. `OPTIGOV_AXE` names a file with axe-core, which then looks at every page that is shown.
//!
//! Every page of a flow is kept as a picture in `target/screenshots`, at three widths, light and dark.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::Service;

const WIDTHS: [u32; 3] = [320, 768, 1280];

struct Browser {
    driver: WebDriver,
    url: String,
    axe: Option<String>,
    _process: Driver,
    _profile: tempfile::TempDir,
}

/// The driver's process, which ends with this.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Says that nothing is tested here, where that is allowed.
fn missing(why: &str) -> Option<Browser> {
    assert_ne!(env::var("OPTIGOV_BROWSER").as_deref(), Ok("required"), "{why}");
    writeln!(io::stdout(), "NOT TESTED in a browser: {why} (Debian: apt-get install chromium chromium-driver)").ok();
    None
}

impl Browser {
    /// A browser for the pages of `service`.
    async fn start(service: &Service) -> Option<Browser> {
        let process = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut process) = process.map(Driver) else { return missing("there is no chromedriver") };
        let lines = BufReader::new(process.0.stdout.take().expect("its output")).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let profile = tempfile::tempdir().expect("a directory");
        let mut wanted = DesiredCapabilities::chrome();
        let profile_argument = format!("--user-data-dir={}", profile.path().display());
        // Whoever is root has no sandbox, as in containers. Only pages of ours are loaded.
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--lang=de",
            "--hide-scrollbars",
            &profile_argument,
        ] {
            wanted.add_arg(argument).expect("an argument");
        }
        let driver = format!("http://127.0.0.1:{}", port.expect("the driver's port"));
        let Ok(driver) = WebDriver::new(driver, wanted).await else { return missing("chromedriver finds no Chromium") };
        let axe = env::var_os("OPTIGOV_AXE").map(|file| fs::read_to_string(file).expect("axe-core"));
        Some(Browser { driver, url: service.url.clone(), axe, _process: process, _profile: profile })
    }

    async fn open(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.url)).await.expect("a page");
    }

    async fn tell(&self, command: &str, parameters: Value) -> Value {
        self.driver.cdp().send_raw(command, parameters).await.expect(command)
    }

    async fn ask(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.expect(script).json().clone()
    }

    async fn size(&self, width: u32, dark: bool) {
        let metrics = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.tell("Emulation.setDeviceMetricsOverride", metrics).await;
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.tell("Emulation.setEmulatedMedia", features).await;
    }

    /// Looks at the page at every width, light and dark: nothing overflows, axe finds nothing, and a picture is kept.
    async fn look(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
        fs::create_dir_all(&folder).expect("a folder");
        for (width, dark) in WIDTHS.into_iter().flat_map(|width| [(width, false), (width, true)]) {
            self.size(width, dark).await;
            let name = format!("{name}-{width}-{}", if dark { "dark" } else { "light" });
            let broader = r"
                const broad = [...document.querySelectorAll('body *')].filter(e =>
                    !e.closest('.sr, .skip, svg') && e.getBoundingClientRect().right > innerWidth + 1);
                return [document.documentElement.scrollWidth - innerWidth, broad.map(e => e.outerHTML.slice(0, 200))];";
            assert_eq!(self.ask(broader).await, json!([0, []]), "{name} overflows");
            self.axe(&name).await;
            let picture = json!({ "format": "webp", "quality": 80, "captureBeyondViewport": true, "clip": self.whole(width).await });
            let picture = self.tell("Page.captureScreenshot", picture).await;
            let bytes = BASE64_STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("base64");
            fs::write(folder.join(format!("{name}.webp")), bytes).expect("the picture is kept");
        }
        self.size(1280, false).await;
    }

    /// Makes the picture in the documents anew, where `OPTIGOV_PICTURES` says so.
    async fn picture(&self, name: &str) {
        if env::var_os("OPTIGOV_PICTURES").is_none() {
            return;
        }
        let clip = json!({ "x": 0, "y": 0, "width": 1280, "height": 860, "scale": 0.75 });
        let picture =
            self.tell("Page.captureScreenshot", json!({ "format": "webp", "quality": 75, "clip": clip })).await;
        let bytes = BASE64_STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("base64");
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(name), bytes).expect("the picture is written");
    }

    async fn whole(&self, width: u32) -> Value {
        let height = self.ask("return document.documentElement.scrollHeight").await;
        json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 })
    }

    /// Holds the page to axe's rules: WCAG 2.2 A and AA, and its best practices.
    async fn axe(&self, name: &str) {
        let Some(axe) = &self.axe else { return };
        self.driver.execute(axe.as_str(), Vec::new()).await.expect("axe is loaded");
        let run = r"
            const done = arguments[arguments.length - 1];
            axe.run(document).then(found => done(found.violations.map(
                rule => [rule.id, rule.help, rule.nodes.map(node => [node.html, node.failureSummary])])), error => done(String(error)));";
        let found = self.driver.execute_async(run, Vec::new()).await.expect("axe runs").json().clone();
        assert_eq!(found, json!([]), "axe, {name}: {found:#}");
    }

    /// Presses a key, wherever the focus is.
    async fn press(&self, key: Key) {
        self.driver.action_chain().send_keys(key).perform().await.expect("a key");
    }

    /// Goes on with the tabulator until the focus is on what has this text, value or id.
    async fn tab_to(&self, wanted: &str) {
        for _ in 0..200 {
            self.press(Key::Tab).await;
            let script = r"
                const e = document.activeElement, style = getComputedStyle(e);
                return [e.id, e.value || '', e.textContent.trim(), style.outlineStyle, style.outlineWidth];";
            let focus = self.ask(script).await;
            if (0..3).any(|part| focus[part] == wanted) {
                assert_ne!(focus[3], "none", "{wanted} shows that it has the focus");
                return;
            }
        }
        panic!("the tabulator does not reach {wanted}");
    }

    /// The role of what is announced: it has the focus as soon as the page is drawn, for which this waits.
    async fn announced(&self) -> Value {
        let wait = r"
            const done = arguments[arguments.length - 1];
            const look = () => {
                const role = document.activeElement.getAttribute('role');
                if (role) done(role); else requestAnimationFrame(look);
            };
            look();";
        self.driver.execute_async(wait, Vec::new()).await.expect("something is announced").json().clone()
    }

    async fn text(&self) -> String {
        self.ask("return document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    /// Holds that the page says this, or the one that a click leads to.
    async fn says(&self, words: &str) {
        const FRAMES: usize = 600;
        let mut text = String::new();
        for _frame in 0..FRAMES {
            text = self.text().await;
            if text.contains(words) {
                return;
            }
            // A page that is left meanwhile ends the script: then the next one is looked at.
            let frame = "requestAnimationFrame(arguments[arguments.length - 1]);";
            self.driver.execute_async(frame, Vec::new()).await.ok();
        }
        panic!("{words} is missing: {text}");
    }

    async fn click(&self, selector: &str) {
        self.driver.find(By::Css(selector)).await.expect(selector).click().await.expect(selector);
    }

    async fn quit(self) {
        self.driver.quit().await.expect("it ends");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_citizen_books_with_the_keyboard_alone() {
    let service = Service::start().await;
    let Some(browser) = Browser::start(&service).await else { return };
    browser.open("/").await;
    browser.look("free").await;
    // The first stop leads past the header.
    browser.press(Key::Tab).await;
    browser.press(Key::Enter).await;
    assert!(browser.ask("return location.hash").await == "#inhalt");
    browser.tab_to("10:40 Uhr am 24. November").await;
    browser.press(Key::Enter).await;
    browser.look("book").await;
    browser.tab_to("Verbindlich buchen").await;
    browser.press(Key::Enter).await;
    let text = browser.text().await;
    assert!(text.contains("Ihr Termin ist gebucht") && text.contains("10:40–11:00 Uhr"), "{text}");
    assert_eq!(browser.announced().await, "status", "it is announced");
    browser.look("booked").await;
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_loses_the_race_is_told_kindly() {
    let service = Service::start().await;
    let Some(browser) = Browser::start(&service).await else { return };
    browser.open("/book?counter=buergerbuero-1&template=personalausweis&start=2026-11-24T07:00:00Z").await;
    let wish = json!({ "start": "2026-11-24T07:00:00Z" });
    assert_eq!(service.post("/counters/buergerbuero-1/bookings", &wish).await.status, 201);
    browser.click("main button").await;
    browser.says("Dieser Termin ist leider nicht mehr frei").await;
    assert_eq!(browser.announced().await, "status");
    browser.look("lost").await;
    browser.click(".offers a").await;
    browser.says("08:20–08:40 Uhr").await;
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_phone_free_slots_come_first_and_the_month_leads_to_its_days() {
    let service = Service::start().await;
    let Some(browser) = Browser::start(&service).await else { return };
    browser.size(320, false).await;
    browser.open("/?counter=buergerbuero-1").await;
    let order = "return ['.slots a', '.month'].map(s => document.querySelector(s).getBoundingClientRect().top)";
    let order = browser.ask(order).await;
    assert!(order[0].as_f64() < order[1].as_f64() && order[0].as_f64() < Some(900.0), "{order}");
    let small = r"
        return [...document.querySelectorAll('main a, main button, main input:not([type=hidden]), nav a, summary')].filter(e => {
            const box = e.getBoundingClientRect();
            return box.width > 0 && (box.height < 24 || box.width < 24);
        }).map(e => e.outerHTML)";
    assert_eq!(browser.ask(small).await, json!([]), "a finger meets everything");
    browser.open("/?counter=buergerbuero-1&from=2026-12-01").await;
    browser.look("month").await;
    browser.picture("service.webp").await;
    browser.size(320, false).await;
    browser.click(".month a[href$='2026-12-15']").await;
    browser.says("Dienstag, 15. Dezember").await;
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clerk_enters_mailboxes_checks_them_and_asks_why() {
    let service = Service::start().await;
    let Some(browser) = Browser::start(&service).await else { return };
    browser.open("/staff?counter=standesamt&date=2026-11-25&time=09%3A45").await;
    browser.says("Postfach 2 ist vom 25.11.2026, 10:00 Uhr bis 25.11.2026, 12:00 Uhr belegt.").await;
    browser.look("staff").await;

    browser.open("/staff?counter=buergerbuero-1").await;
    let broken = "eine-sehr-lange-adresse-ohne-klammeraffen-".repeat(4);
    let field = browser.driver.find(By::Id("mailbox-1")).await.expect("the second field");
    field.send_keys(&broken).await.expect("it is typed");
    browser.tab_to("Speichern").await;
    browser.press(Key::Enter).await;
    assert_eq!(browser.announced().await, "alert", "it is announced");
    browser.look("refused").await;
    browser.click("[role=alert] a").await;
    assert_eq!(
        browser.ask("return document.querySelector(':target').value").await,
        json!(broken),
        "the link leads there"
    );

    let field = browser.driver.find(By::Id("mailbox-1")).await.expect("the second field");
    field.clear().await.expect("it is emptied");
    field.send_keys("schalter2@musterstadt.example").await.expect("it is typed");
    browser.tab_to("Verbindung prüfen").await;
    browser.press(Key::Enter).await;
    let text = browser.text().await;
    assert!(
        text.contains("Die Verbindung ist in Ordnung.") && text.contains("Es ist noch nicht gespeichert."),
        "{text}"
    );
    assert_eq!(browser.ask("return document.getElementById('mailbox-1').value").await, "schalter2@musterstadt.example");
    browser.look("checked").await;

    browser.click("input[value=any]").await;
    browser.tab_to("Speichern").await;
    browser.press(Key::Enter).await;
    browser.says("Gespeichert.").await;
    browser.look("saved").await;
    let sync = service.counter("buergerbuero-1").await["exchange_sync"].clone();
    let mailboxes = json!(["schalter1@musterstadt.example", "schalter2@musterstadt.example"]);
    assert_eq!((&sync["mailboxes"], &sync["needed"]), (&mailboxes, &json!("any")));
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_problems_are_pages_like_others() {
    let mut service = Service::start().await;
    let Some(browser) = Browser::start(&service).await else { return };
    browser.open("/nowhere").await;
    browser.look("not-found").await;
    drop(service.demo.take());
    browser.open("/").await;
    browser.says("Zurzeit können keine Termine angezeigt werden.").await;
    browser.look("unknown").await;
    browser.open("/staff?counter=standesamt&date=2026-11-25&time=09%3A45").await;
    browser.look("staff-unknown").await;
    browser.quit().await;
}

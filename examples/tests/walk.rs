//! `docs/architecture-walk.md` names functions; each of them exists in the crate that the walk says.

use std::{fs, path::Path};

/// All Rust sources of a crate as one text.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("the crate's sources").map(|entry| entry.expect("an entry").path());
    entries.fold(String::new(), |text, path| match path.is_dir() {
        true => text + &sources(&path),
        false => text + &fs::read_to_string(&path).expect("a source file"),
    })
}

#[test]
fn every_function_of_the_walk_exists() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let walk = include_str!("../../docs/architecture-walk.md");
    let rows: Vec<Vec<&str>> = walk
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').map(|cell| cell.trim().trim_matches('`')).collect())
        .collect();
    assert!(rows.len() > 30, "the tables are read");
    for row in rows {
        let text = sources(&crates.join(row[1]).join("src"));
        // `Type::function`, `module::function`, a function or a type.
        let (scope, name) = row[2].rsplit_once("::").unwrap_or(("", row[2]));
        let is_type = name.starts_with(char::is_uppercase);
        let wanted = if is_type { format!("struct {name}") } else { format!("fn {name}") };
        assert!(
            text.contains(&format!("{wanted}("))
                || text.contains(&format!("{wanted}<"))
                || text.contains(&format!("{wanted} ")),
            "{} has no {}",
            row[1],
            row[2]
        );
        if scope.starts_with(char::is_uppercase) {
            let defined = ["struct", "enum", "trait"].iter().any(|kind| text.contains(&format!("{kind} {scope}")));
            assert!(defined, "{} has no {scope}", row[1]);
        }
    }
}

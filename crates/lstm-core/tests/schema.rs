//! The committed types, schema and table of options are the structs' own. Runs with the feature `schema`.

use std::path::Path;

#[test]
fn generated_files_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (path, expected) in lstm_core::schema::files() {
        // Git may give Windows its own line ends.
        let found = std::fs::read_to_string(root.join(path)).unwrap_or_default().replace("\r\n", "\n");
        assert!(found == expected, "{path} is out of date: run npm run types");
    }
}

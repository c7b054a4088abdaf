//! Writes the TypeScript types, the JSON schema and the table of options that are derived from the core's structs; with `--check` only
//! compares. `npm run types` runs it.

use std::{fs, io, path::Path, process::ExitCode};

fn main() -> io::Result<ExitCode> {
    let check = std::env::args().any(|argument| argument == "--check");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (path, expected) in lstm_core::schema::files() {
        let file = root.join(path);
        let found = fs::read_to_string(&file).unwrap_or_default().replace("\r\n", "\n");
        if found == expected {
            continue;
        }
        if check {
            eprintln!("{path} is out of date: run npm run types");
            return Ok(ExitCode::FAILURE);
        }
        fs::create_dir_all(root.join("src/generated"))?;
        fs::write(&file, expected)?;
        println!("wrote {path}");
    }
    Ok(ExitCode::SUCCESS)
}

//! Cold data (definitions, options, file headers) from JSON, with errors that a reader can act on: the path of the
//! offending field and a sentence that says what to do. Knows no particular struct.

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use crate::{Error, ErrorCode, Result};

/// Reads a `T` from JSON. An error carries `code` and a path such as `layers[1].units`.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, code: ErrorCode) -> Result<T> {
    // Whether it is JSON at all comes first: serde_json, reading a `T` from text, mixes the two kinds of error up.
    let value: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| Error::new(code, "", format!("this JSON cannot be read: {error}")))?;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        // The whole document's path is written `.`.
        explain(&error.inner().to_string(), if path == "." { String::new() } else { path }, code)
    })
}

/// A report or description as JSON, the form in which cold data crosses into JavaScript.
///
/// # Panics
/// Never for the core's own structs: their keys are strings and their numbers plain.
#[must_use]
pub fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data is JSON")
}

/// For `#[serde(deserialize_with)]` on an optional field: it may be absent, but not null. JavaScript writes NaN and
/// Infinity as null, and a setting that is NaN by mistake must not count as one that was left out.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    source: D,
) -> std::result::Result<Option<T>, D::Error> {
    T::deserialize(source).map(Some)
}

/// Joins the path of an object and the name of its field.
pub(crate) fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// Turns serde's wording into the path of the field that is wrong and a sentence for the person who wrote the JSON.
/// serde tells what is wrong only in words (`serde::de::Error`'s default messages); the tests below hold it to them.
fn explain(text: &str, path: String, code: ErrorCode) -> Error {
    if let Some(field) = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return Error::new(code, join(&path, field), format!("`{field}` is missing: it has no default"));
    }
    let message = if let Some((field, known)) = unexpected(text, "unknown field `", "`, expected ") {
        format!("there is no field `{field}` here: use {known}")
    } else if let Some((value, known)) = unexpected(text, "unknown variant `", "`, expected ") {
        format!("`{value}` is not known: use {known}")
    } else if let Some((found, wanted)) =
        unexpected(text, "invalid type: ", ", expected ").or_else(|| unexpected(text, "invalid value: ", ", expected "))
    {
        format!("{} cannot stand here: give {}", in_words(found), in_words(wanted))
    } else {
        text.to_owned()
    };
    Error::new(code, path, message)
}

/// What was found and what was expected, in serde's words. Split at the last separator: what was found may quote it.
fn unexpected<'a>(text: &'a str, prefix: &str, separator: &str) -> Option<(&'a str, &'a str)> {
    text.strip_prefix(prefix)?.rsplit_once(separator)
}

/// serde's names of types, as someone who writes JSON would say them.
fn in_words(serde: &str) -> &str {
    match serde {
        "u32" => "a whole number from 0 to 4294967295",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" | "sequence" => "a list",
        "map" => "an object",
        "null" => "null (as JSON writes NaN and Infinity)",
        "string or map" => "a string",
        object if object.starts_with("struct ") => "an object",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Outer {
        inner: Vec<Inner>,
        #[serde(default, deserialize_with = "present")]
        clip: Option<f32>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        kind: Kind,
        size: u32,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Round,
        Square,
    }

    fn problem(text: &str) -> (String, String) {
        let error = parse::<Outer>(text, ErrorCode::InvalidOption).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidOption);
        (error.path, error.message)
    }

    #[test]
    fn good_json_is_read() {
        let text = r#" {"inner": [{"kind": "square", "size": 3}], "clip": 1} "#;
        let expected = Outer { inner: vec![Inner { kind: Kind::Square, size: 3 }], clip: Some(1.0) };
        assert_eq!(parse::<Outer>(text, ErrorCode::InvalidOption).unwrap(), expected);
        assert_eq!(parse::<Outer>(r#"{"inner": []}"#, ErrorCode::InvalidOption).unwrap().clip, None);
    }

    #[test]
    fn each_mistake_names_its_place_and_the_remedy() {
        let cases = [
            ("{}", "inner", "`inner` is missing: it has no default"),
            (r#"{"inner":[{"kind":"round"}]}"#, "inner[0].size", "`size` is missing: it has no default"),
            (
                r#"{"inner":[{"kind":"round","size":1},{"sise":2}]}"#,
                "inner[1].sise",
                "there is no field `sise` here: use `kind` or `size`",
            ),
            (r#"{"inner":[{"kind":"oval"}]}"#, "inner[0].kind", "`oval` is not known: use `round` or `square`"),
            (
                r#"{"inner":[{"size":-1}]}"#,
                "inner[0].size",
                "integer `-1` cannot stand here: give a whole number from 0 to 4294967295",
            ),
            (
                r#"{"inner":[{"size":1.5}]}"#,
                "inner[0].size",
                "floating point `1.5` cannot stand here: give a whole number from 0 to 4294967295",
            ),
            (
                r#"{"inner":[{"size":", expected u32"}]}"#,
                "inner[0].size",
                "string \", expected u32\" cannot stand here: give a whole number from 0 to 4294967295",
            ),
            (r#"{"inner":[{"kind":5}]}"#, "inner[0].kind", "integer `5` cannot stand here: give a string"),
            (r#"{"inner":{}}"#, "inner", "an object cannot stand here: give a list"),
            (r#"{"inner":[7]}"#, "inner[0]", "integer `7` cannot stand here: give an object"),
            (r#"{"clip":null}"#, "clip", "null (as JSON writes NaN and Infinity) cannot stand here: give a number"),
        ];
        for (text, path, message) in cases {
            assert_eq!(problem(text), (path.to_owned(), message.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_says_where_it_breaks() {
        for (text, part) in [
            ("", "line 1 column 0"),
            (r#"{"inner": ["#, "line 1 column 11"),
            (r#"{"inner": []} x"#, "line 1 column 15"),
            (r#"{"clip": 1e999}"#, "out of range"),
        ] {
            let (path, message) = problem(text);
            assert_eq!(path, "", "{text}");
            assert!(message.starts_with("this JSON cannot be read: ") && message.contains(part), "{message}");
        }
    }
}

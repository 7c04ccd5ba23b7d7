//! Tests of the JSON header: what Java writes byte for byte, what other clients write, and what must be refused.

use super::*;

/// GET_ROUTEINFO_BY_TOPIC as RocketMQ 4.9.8 sends it.
const ROUTE: &str = r#"{"code":105,"extFields":{"topic":"TBW102"},"flag":0,"language":"JAVA","opaque":0,"serializeTypeCurrentRPC":"JSON","version":409}"#;

fn read(json: &str) -> Command {
    decode(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn refused(json: &str) -> String {
    decode(json.as_bytes()).expect_err(json).to_string()
}

fn written(command: &Command) -> String {
    let mut out = BytesMut::new();
    encode(command, &mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn written_as_java_writes_it() {
    let mut command = Command::request(105, 0);
    assert_eq!(
        written(&command),
        r#"{"code":105,"flag":0,"language":"JAVA","opaque":0,"serializeTypeCurrentRPC":"JSON","version":409}"#
    );
    command.set_field("topic", "TBW102");
    assert_eq!(written(&command), ROUTE);
    assert_eq!(read(ROUTE), command);
    let answer = Command { remark: Some("line\n".into()), ..Command::answer(&command, 1) };
    assert_eq!(
        written(&answer),
        r#"{"code":1,"extFields":{},"flag":1,"language":"JAVA","opaque":0,"remark":"line\n","serializeTypeCurrentRPC":"JSON","version":409}"#
    );
    assert_eq!(read(&written(&answer)), answer);
}

#[test]
fn every_character_survives() {
    let mut text: String = (0u8..=0x7F).map(char::from).collect();
    text.push_str("\u{80}\u{2028}\u{e9}\u{4E2D}\u{1F980}");
    let mut command = Command { remark: Some(text.clone()), ..Command::request(10, 1) };
    command.set_field(text.clone(), text.clone());
    assert_eq!(read(&written(&command)), command);
    command.ext_fields = None;
    command.remark = Some("a\u{1}b\u{2}\"\\\u{1F}\u{8}\u{C}\r\t/".into());
    assert!(
        written(&command).contains(r#""remark":"a\u0001b\u0002\"\\\u001F\b\f\r\t/""#),
        "{}",
        written(&command)
    );
}

#[test]
fn what_real_clients_write_is_read() {
    // C++: other order, an empty remark, a line end after the object.
    let cpp =
        read("{\"version\":63,\"opaque\":7,\"language\":\"CPP\",\"remark\":\"\",\"flag\":0,\"code\":105}\n");
    assert_eq!((cpp.code, cpp.opaque, cpp.version, cpp.language), (105, 7, 63, Language::Cpp));
    assert_eq!((cpp.remark.as_deref(), cpp.ext_fields), (Some(""), None));
    // Node: numbers and booleans as values.
    let node = read(
        r#"{"code":310,"extFields":{"d":4,"g":1795354933564,"n":-1,"x":0.5,"k":false,"l":true,"i":"T\u0001A"}}"#,
    );
    let fields: Vec<_> = node.ext_fields.as_ref().unwrap().iter().collect();
    assert_eq!(
        fields,
        [
            ("d", "4"),
            ("g", "1795354933564"),
            ("n", "-1"),
            ("x", "0.5"),
            ("k", "false"),
            ("l", "true"),
            ("i", "T\u{1}A")
        ]
    );
    // ons-client: a version near the end of the range. Others: languages nobody heard of, unknown keys of any depth.
    for version in [i32::MAX, i32::MIN] {
        let json =
            format!(r#"{{"x":[{{"y":[null]}}],"version":{version},"code":1,"language":"COBOL","z":{{}}}}"#);
        assert_eq!((read(&json).version, read(&json).language), (version, Language::Other));
    }
    let quoted = read(r#" {"code":"105","opaque":"-3","flag":null,"remark":null,"extFields":null} "#);
    assert_eq!((quoted.code, quoted.opaque, quoted.flag), (105, -3, 0));
    assert_eq!((quoted.remark, quoted.ext_fields), (None, None));
}

#[test]
fn values_that_are_no_texts_are_passed_over() {
    let command =
        read(r#"{"code":1,"extFields":{"a":null,"b":[1,[2]],"c":{"d":{}},"e":"kept"},"remark":[1]}"#);
    assert_eq!(command.ext_fields.unwrap().iter().collect::<Vec<_>>(), [("e", "kept")]);
    assert_eq!(command.remark, None);
}

#[test]
fn a_repeated_name_takes_the_last_value() {
    let command = read(r#"{"code":1,"extFields":{"a":"1","b":"2","a":"3"},"code":2}"#);
    assert_eq!(command.code, 2);
    assert_eq!(command.ext_fields.unwrap().iter().collect::<Vec<_>>(), [("a", "3"), ("b", "2")]);
}

#[test]
fn what_is_no_command_is_refused() {
    assert!(refused(r#"{"flag":0}"#).contains("missing field `code`"));
    assert!(refused(r#"{"code":2147483648}"#).contains("code is '2147483648', not a 32-bit integer"));
    assert!(refused(r#"{"code":1,"opaque":1.5}"#).contains("opaque is '1.5'"));
    assert!(refused(r#"{"code":318e-318}"#).contains("code is '3.18e-316'"));
    assert!(refused(r#"{"code":1e300}"#).contains("code is '1e300'"));
    assert_eq!(read(r#"{"code":1e1,"opaque":-2.0}"#).code, 10);
    assert!(refused(r#"{"code":1,"flag":true}"#).contains("flag is 'true'"));
    assert!(refused(r#"{"code":1,"extFields":[]}"#).contains("fields of the command"));
    for bad in [
        "",
        "\n",
        "1",
        "null",
        "[]",
        "{",
        "{}x",
        "{\"code\":1}{}",
        "{\"code\":1,}",
        "{\"code\":01}",
        "\u{FEFF}{}",
    ] {
        refused(bad);
    }
    assert!(decode(b"{\"code\":1,\"remark\":\"\xFF\"}").is_err());
    assert!(decode(br#"{"code":1,"remark":"\ud800"}"#).is_err());
}

#[test]
fn truncation_at_every_byte() {
    for len in 0..ROUTE.len() {
        refused(&ROUTE[..len]);
    }
}

#[test]
fn nesting_does_not_recurse() {
    const DEPTH: usize = 1_000_000;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(DEPTH), close.repeat(DEPTH));
        assert_eq!(read(&format!(r#"{{"unknown":{deep},"code":1}}"#)).code, 1);
        assert_eq!(read(&format!(r#"{{"code":1,"extFields":{{"a":{deep}}}}}"#)).field("a"), None);
        refused(&format!(r#"{{"code":1,"extFields":{deep}"#));
        refused(&open.repeat(DEPTH));
    }
}

#[test]
fn fields_up_to_the_limit_and_one_over() {
    let with_fields = |count: usize| {
        let mut command = Command::request(1, 0);
        (0..count).for_each(|n| command.set_field(n.to_string(), ""));
        written(&command)
    };
    assert_eq!(read(&with_fields(EXT_FIELDS_MAX)).ext_fields.unwrap().len(), EXT_FIELDS_MAX);
    assert!(refused(&with_fields(EXT_FIELDS_MAX + 1)).contains("more than 1024 fields"));
}

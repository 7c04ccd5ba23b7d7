//! JSON headers: what decodes encodes to itself and to what another reader reads; every command survives the form.

use super::input::Input;
use super::modest;
use bytes::BytesMut;
use ons::protocol::command::Command;
use ons::protocol::ext_fields::ExtFields;
use ons::protocol::header_json;
use ons::protocol::language::Language;
use serde_json::Value;

pub fn run(data: &[u8]) {
    if let Ok(command) = modest::decode("a JSON header", data, header_json::decode) {
        assert_survives(&command);
    }
    assert_survives(&command(&mut Input::new(data)));
}

fn assert_survives(command: &Command) {
    let mut bytes = BytesMut::new();
    header_json::encode(command, &mut bytes);
    let again = modest::decode("our JSON header", &bytes, header_json::decode);
    assert_eq!(again.as_ref(), Ok(command));
    let json: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(json["code"], command.code);
    assert_eq!(json["opaque"], command.opaque);
    assert_eq!(json.get("remark").map(|remark| remark.as_str().unwrap()), command.remark.as_deref());
    let fields = json.get("extFields").map(|fields| fields.as_object().unwrap());
    assert_eq!(fields.is_some(), command.ext_fields.is_some());
    for (name, value) in command.ext_fields.iter().flat_map(ExtFields::iter) {
        assert_eq!(fields.unwrap()[name], value);
    }
    assert_eq!(fields.map_or(0, serde_json::Map::len), command.ext_fields.as_ref().map_or(0, ExtFields::len));
}

/// More only take time; what lies beyond the limit of a header has a test of its own.
const FIELDS_MAX: usize = 40;

/// Any command there is, also one that no peer would write.
pub(super) fn command(input: &mut Input<'_>) -> Command {
    let mut command = Command {
        code: input.i32(),
        language: Language::from_code(input.byte()),
        version: input.i32(),
        opaque: input.i32(),
        flag: input.i32(),
        ..Command::default()
    };
    let parts = input.byte();
    command.remark = (parts & 1 != 0).then(|| input.text());
    command.ext_fields = (parts & 2 != 0).then(ExtFields::new);
    for _ in 0..FIELDS_MAX {
        if parts & 2 == 0 || input.is_empty() {
            break;
        }
        let name = input.text();
        command.set_field(name, input.text());
    }
    command
}

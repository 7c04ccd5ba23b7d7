//! Binary headers: what decodes encodes to itself, in the JSON form too; a command that does not fit is refused whole.

use super::header_json::command;
use super::input::Input;
use super::modest;
use bytes::BytesMut;
use ons::protocol::command::Command;
use ons::protocol::ext_fields::ExtFields;
use ons::protocol::header_binary;
use ons::protocol::header_json;

pub fn run(data: &[u8]) {
    if let Ok(command) = modest::decode("a binary header", data, header_binary::decode) {
        assert!(
            command.remark.as_deref() != Some("") && fields_of(&command).all(|(_, value)| !value.is_empty())
        );
        assert_survives(&command);
        let mut bytes = BytesMut::new();
        header_json::encode(&command, &mut bytes);
        assert_eq!(header_json::decode(&bytes), Ok(command));
    }
    let command = command(&mut Input::new(data));
    let is_fitting = i16::try_from(command.code).is_ok();
    if is_fitting {
        assert_survives(&command);
    } else {
        let mut bytes = BytesMut::from(&b"before"[..]);
        assert!(header_binary::encode(&command, &mut bytes).is_err());
        assert_eq!(bytes, &b"before"[..]);
    }
}

fn assert_survives(command: &Command) {
    let mut bytes = BytesMut::new();
    header_binary::encode(command, &mut bytes).unwrap();
    let again = modest::decode("our binary header", &bytes, header_binary::decode).unwrap();
    assert_eq!(again, as_binary(command));
    let mut twice = BytesMut::new();
    header_binary::encode(&again, &mut twice).unwrap();
    assert_eq!(twice, bytes);
}

/// What the form keeps of a command: no empty texts, and a version of 16 bits.
fn as_binary(command: &Command) -> Command {
    let mut kept = command.clone();
    kept.version = kept.version.clamp(i16::MIN.into(), i16::MAX.into());
    kept.remark = kept.remark.filter(|remark| !remark.is_empty());
    let mut fields = ExtFields::new();
    for (name, value) in fields_of(command) {
        if !value.is_empty() {
            fields.set(name.to_owned(), value);
        }
    }
    kept.ext_fields = Some(fields).filter(|fields| !fields.is_empty());
    kept
}

fn fields_of(command: &Command) -> impl Iterator<Item = (&str, &str)> {
    command.ext_fields.iter().flat_map(ExtFields::iter)
}

//! Property texts of any kind under any changes, compared with a plain list of pairs.

use super::input::Input;
use super::modest;
use ons::protocol::limits::PROPERTIES_BYTES_MAX;
use ons::protocol::properties::{self, Properties};

type Pairs = Vec<(String, String)>;

const CHANGES_MAX: usize = 40;

pub fn run(data: &[u8]) {
    let (text, mut input) = parts(data);
    let pairs = pairs(&text);
    let found = modest::decode("a property text", text.as_bytes(), |_| properties::iter(&text).count());
    assert_eq!(found, pairs.len());
    let mut own = Properties::from_text(&*text);
    assert_same(&own, &pairs);
    let mut model = pairs;
    for _ in 0..CHANGES_MAX {
        if input.is_empty() {
            break;
        }
        let change = input.byte();
        let name = match model.get(usize::from(change >> 3)) {
            Some((name, _)) if change & 4 != 0 => name.clone(),
            _ => input.text(),
        };
        let before = own.clone();
        if change & 3 == 0 {
            own.remove(&name);
            model.retain(|pair| pair.0 != name);
        } else {
            // Now and then one that comes near the limit of the text.
            let is_long = change >= 0xF0;
            let value = if is_long { "v".repeat(usize::from(input.u16())) } else { input.text() };
            match own.set(&name, &value) {
                Ok(()) => {
                    assert!(own.as_text().len() <= PROPERTIES_BYTES_MAX);
                    set(&mut model, name, value);
                }
                Err(_) => assert_refused(&before, &own, &name, &value),
            }
        }
        assert_same(&own, &model);
    }
    assert_same(&Properties::from_text(own.as_text()), &model);
}

/// The text comes first and ends with a zero byte, which no text of RocketMQ contains; the changes follow it.
fn parts(data: &[u8]) -> (String, Input<'_>) {
    let end = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    let (text, changes) = data.split_at(end);
    (String::from_utf8_lossy(text).into_owned(), Input::new(changes.get(1..).unwrap_or_default()))
}

/// Reads the text character by character, unlike the code under test.
fn pairs(text: &str) -> Pairs {
    let mut pairs = Pairs::new();
    for pair in text.split('\u{2}') {
        let mut name_and_value = pair.splitn(2, '\u{1}');
        if let (Some(name), Some(value)) = (name_and_value.next(), name_and_value.next())
            && !name.is_empty()
            && !value.is_empty()
        {
            pairs.push((name.to_owned(), value.to_owned()));
        }
    }
    pairs
}

/// A value is replaced in its place; one that stood there several times moves to the end, once.
fn set(model: &mut Pairs, name: String, value: String) {
    match model.iter().filter(|pair| pair.0 == name).count() {
        1 => model.iter_mut().filter(|pair| pair.0 == name).for_each(|pair| pair.1.clone_from(&value)),
        _ => {
            model.retain(|pair| pair.0 != name);
            model.push((name, value));
        }
    }
}

/// A refusal has a reason and changes nothing.
fn assert_refused(before: &Properties, after: &Properties, name: &str, value: &str) {
    assert_eq!(before, after);
    let is_bad = |part: &str| part.is_empty() || part.contains(['\u{1}', '\u{2}']);
    let longest = before.as_text().len() + name.len() + value.len() + 3;
    assert!(is_bad(name) || is_bad(value) || longest > PROPERTIES_BYTES_MAX, "{name:?} {value:?}");
}

fn assert_same(own: &Properties, model: &Pairs) {
    let borrowed = || model.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    assert!(own.iter().eq(borrowed()), "{:?} is not {model:?}", own.as_text());
    // Some names are enough for one input: each look-up reads the whole text.
    for (name, _) in borrowed().take(8) {
        let last = borrowed().rfind(|pair| pair.0 == name);
        assert_eq!(own.get(name), last.map(|pair| pair.1), "{:?}", own.as_text());
    }
}

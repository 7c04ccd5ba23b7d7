//! The string map of a command's header: request and answer fields.

use std::borrow::Cow;

/// Fields in the order they were added or received, so that a header read and written again is the same bytes.
/// Names are unique. A header has a dozen fields, which a list searches faster than a map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtFields {
    fields: Vec<(Cow<'static, str>, String)>,
}

impl ExtFields {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn len(&self) -> usize {
        self.fields.len()
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.0 == name).map(|field| field.1.as_str())
    }

    /// Adds a field, or replaces its value in place.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        let name = name.into();
        match self.fields.iter_mut().find(|field| field.0 == name) {
            Some(field) => field.1 = value.into(),
            None => self.fields.push((name, value.into())),
        }
    }

    pub fn remove(&mut self, name: &str) -> Option<String> {
        let at = self.fields.iter().position(|field| field.0 == name)?;
        Some(self.fields.remove(at).1)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    /// The fields in the byte order of their names: the order in which a signature covers them.
    pub fn sorted(&self) -> Vec<(&str, &str)> {
        let mut fields: Vec<_> = self.iter().collect();
        fields.sort_unstable();
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_names_are_unique() {
        let mut fields = ExtFields::new();
        assert!(fields.is_empty());
        fields.set("topic", "T");
        fields.set(String::from("bname"), "b");
        fields.set("topic", "U");
        assert_eq!(fields.iter().collect::<Vec<_>>(), [("topic", "U"), ("bname", "b")]);
        assert_eq!(fields.sorted(), [("bname", "b"), ("topic", "U")]);
        assert_eq!((fields.get("topic"), fields.get("Topic"), fields.len()), (Some("U"), None, 2));
        assert_eq!((fields.remove("topic"), fields.remove("topic")), (Some("U".into()), None));
        assert_eq!(fields.len(), 1);
    }
}

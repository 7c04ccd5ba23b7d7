//! The language a peer says it is written in (`LanguageCode`): a name in JSON headers, one byte in binary ones.

/// Sender language of a command. Names and numbers this version does not know become [`Language::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    Java,
    Cpp,
    Dotnet,
    Python,
    Delphi,
    Erlang,
    Ruby,
    #[default]
    Other,
    Http,
    Go,
    Php,
    Oms,
    Rust,
    NodeJs,
}

const TABLE: &[(Language, u8, &str)] = &[
    (Language::Java, 0, "JAVA"),
    (Language::Cpp, 1, "CPP"),
    (Language::Dotnet, 2, "DOTNET"),
    (Language::Python, 3, "PYTHON"),
    (Language::Delphi, 4, "DELPHI"),
    (Language::Erlang, 5, "ERLANG"),
    (Language::Ruby, 6, "RUBY"),
    (Language::Other, 7, "OTHER"),
    (Language::Http, 8, "HTTP"),
    (Language::Go, 9, "GO"),
    (Language::Php, 10, "PHP"),
    (Language::Oms, 11, "OMS"),
    (Language::Rust, 12, "RUST"),
    (Language::NodeJs, 13, "NODE_JS"),
];

impl Language {
    pub fn from_name(name: &str) -> Self {
        TABLE.iter().find(|row| row.2 == name).map_or(Self::Other, |row| row.0)
    }

    pub fn from_code(code: u8) -> Self {
        TABLE.iter().find(|row| row.1 == code).map_or(Self::Other, |row| row.0)
    }

    pub fn name(self) -> &'static str {
        TABLE.iter().find(|row| row.0 == self).map_or("OTHER", |row| row.2)
    }

    pub fn code(self) -> u8 {
        TABLE.iter().find(|row| row.0 == self).map_or(7, |row| row.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_survives_both_forms() {
        for &(language, code, name) in TABLE {
            assert_eq!((language.code(), language.name()), (code, name));
            assert_eq!(Language::from_code(code), language);
            assert_eq!(Language::from_name(name), language);
        }
        assert_eq!(TABLE.len(), 14);
    }

    #[test]
    fn strangers_are_other() {
        assert_eq!(Language::from_name("COBOL"), Language::Other);
        assert_eq!(Language::from_name("java"), Language::Other);
        assert_eq!(Language::from_name(""), Language::Other);
        assert_eq!(Language::from_code(14), Language::Other);
        assert_eq!(Language::from_code(255), Language::Other);
    }
}

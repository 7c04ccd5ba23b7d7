//! Every limit of the protocol, by name.

/// Longest message body over TCP and in process, in bytes (RocketMQ's `maxMessageSize`).
pub const BODY_BYTES_MAX: usize = 4 << 20;
/// Longest property text of one message, in bytes: its length is a signed 16-bit number in the record.
pub const PROPERTIES_BYTES_MAX: usize = 32_767;
/// Longest topic name, in bytes: its length is one signed byte in a V1 record.
pub const TOPIC_BYTES_MAX: usize = 127;
/// Longest producer, consumer or group id, in bytes.
pub const GROUP_BYTES_MAX: usize = 255;
/// Longest topic a record can be asked to hold, in bytes: the retry topic of the longest group.
pub const RECORD_TOPIC_BYTES_MAX: usize = "%RETRY%".len() + GROUP_BYTES_MAX;
/// Longest tag, in characters.
pub const TAG_CHARS_MAX: usize = 128;
/// Longest key, in characters.
pub const KEY_CHARS_MAX: usize = 128;
/// Most alternatives of one tag expression.
pub const TAGS_PER_EXPRESSION_MAX: usize = 1024;
/// Longest subscription expression, in bytes.
pub const EXPRESSION_BYTES_MAX: usize = 64 << 10;
/// Longest frame, length prefix included (`com.rocketmq.remoting.frameMaxLength`).
pub const FRAME_BYTES_MAX: usize = 16 << 20;
/// Longest header of a frame: its length has 24 bits.
pub const HEADER_BYTES_MAX: usize = 0x00FF_FFFF;
/// Most messages of one pull answer.
pub const PULL_MESSAGES_MAX: usize = 1024;
/// Most delivery attempts after the first before a message goes to the dead letters, unless set otherwise.
pub const RETRIES_DEFAULT: i32 = 16;
/// Most fields in the header of a command. RocketMQ's own have at most two dozen.
pub const EXT_FIELDS_MAX: usize = 1024;

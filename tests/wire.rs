//! Guards against bytes that real RocketMQ clients and brokers do not understand, or that we do not: frames, headers,
//! records and ids captured from Apache RocketMQ 4.9.8 and its clients; and against decoders that can be hurt.

#[path = "wire/allocation.rs"]
mod allocation;
#[path = "wire/captured.rs"]
mod captured;
#[path = "wire/damage.rs"]
mod damage;
#[path = "wire/headers.rs"]
mod headers;
#[path = "wire/messages.rs"]
mod messages;

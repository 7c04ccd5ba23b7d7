//! Coming and going.

use super::*;

#[test]
fn a_store_that_was_closed_still_has_its_messages() {
    let place = Place::new();
    let producer = place.producer(&[]);
    producer.send(&mut Message::new("Topic", "", "body")).unwrap();
    producer.shutdown().unwrap();
    let broker = place.broker(ClockKind::System);
    assert_eq!(broker.backlog("CID_test", "Topic").unwrap(), 1);
}

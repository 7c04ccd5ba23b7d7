//! Rows that show whether a store gets slower as it grows: many topics, a long log.

use crate::flow::Flow;
use crate::report::Row;
use crate::rows::Place;
use crate::rows::against;
use crate::rows::fill;
use crate::rows::rate;
use crate::rows::remove;
use std::path::Path;

const TOPICS_FEW: usize = 10;
const TOPICS_MANY: usize = 10_000;
/// What a message of 1 KiB takes in the log.
const MESSAGE_BYTES: u64 = 1180;
const LOG_BYTES_FEW: u64 = 1_000_000;
const LOG_BYTES_MANY: u64 = 20_000_000_000;
/// Of a run that is to be short, or on a disk with less room than that.
const LOG_BYTES_QUICK: u64 = 2_000_000_000;
const LEFT_FREE_BYTES: u64 = 5_000_000_000;

/// Send and consume rate with 10 000 topics, against 10.
pub fn topics(place: &Place) -> Row {
    let round = |topics: usize| {
        let dir = place.fresh("topics");
        let rate = flow(&dir, topics);
        remove(&dir);
        rate
    };
    against(
        rate("growth_topics", "10 topics (it has 10 000)", 0.8),
        || round(TOPICS_FEW),
        || round(TOPICS_MANY),
    )
}

/// Send and consume rate behind a log of 20 GB, against one of 1 MB.
pub fn log(place: &Place, is_whole: bool) -> Row {
    let has_room = place.free_bytes() >= LOG_BYTES_MANY + LEFT_FREE_BYTES;
    let (bytes, limit_name) = if is_whole && has_room {
        (LOG_BYTES_MANY, "1 MB of log (it has 20 GB)")
    } else {
        (LOG_BYTES_QUICK, "1 MB of log (it has 2 GB)")
    };
    let (few, many) = (place.fresh("log_few"), place.fresh("log_many"));
    fill(&few, LOG_BYTES_FEW / MESSAGE_BYTES);
    fill(&many, bytes / MESSAGE_BYTES);
    let row = against(rate("growth_log", limit_name, 0.8), || flow(&few, 1), || flow(&many, 1));
    remove(&few);
    remove(&many);
    row
}

fn flow(dir: &Path, topics: usize) -> f64 {
    Flow::open(dir, topics).per_second()
}

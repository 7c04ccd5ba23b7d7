//! The brokers of a process: two users of one directory come and go.

use crate::client::factory_property::FactoryProperty;
use crate::embedded::host;
use crate::embedded::settings::Settings;
use crate::sys::sync::model::explore::explore;
use crate::sys::sync::thread;

/// Few: these open and close real files.
const SCHEDULES: usize = 4_000;

#[test]
fn two_users_of_a_directory_come_and_go_twice() {
    let dir = tempfile::tempdir().unwrap();
    explore("host: two users open and close a directory twice", SCHEDULES, move || {
        let mut property = FactoryProperty::new();
        property.set("FlushDiskType", "ASYNC_FLUSH").unwrap();
        let users = [0, 1].map(|_| {
            let (dir, settings) = (dir.path().to_owned(), Settings::new(&property, &|_| None).unwrap());
            thread::spawn(move || {
                for _ in 0..2 {
                    let lease = host::join(&dir, &settings, None).unwrap();
                    assert!(!lease.host.broker.is_closed());
                    lease.release().unwrap();
                }
            })
        });
        users.into_iter().for_each(|user| user.join().unwrap());
    });
}

//! Which queues of a topic belong to which instance of a group: RocketMQ's "average" allocation.

use std::sync::Arc;

/// The share of `own` among the sorted `members`: consecutive queues, the first members taking one more when it does
/// not come out even. Nothing for who is not a member.
pub fn allocate_average<'a>(queues: &'a [i32], members: &[Arc<str>], own: &str) -> &'a [i32] {
    let Some(index) = members.iter().position(|member| **member == *own) else { return &[] };
    let (each, over) = (queues.len() / members.len(), queues.len() % members.len());
    let begin = each * index + over.min(index);
    let len = each + usize::from(index < over);
    queues.get(begin..begin + len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(queues: i32, members: usize) -> Vec<Vec<i32>> {
        let queues: Vec<i32> = (0..queues).collect();
        let members: Vec<Arc<str>> = (0..members).map(|n| format!("member{n:03}").into()).collect();
        members.iter().map(|own| allocate_average(&queues, &members, own).to_vec()).collect()
    }

    #[test]
    fn the_shares_are_those_of_rocketmq() {
        assert_eq!(shares(8, 1), [vec![0, 1, 2, 3, 4, 5, 6, 7]]);
        assert_eq!(shares(8, 3), [vec![0, 1, 2], vec![3, 4, 5], vec![6, 7]]);
        assert_eq!(shares(2, 3), [vec![0], vec![1], vec![]]);
        assert_eq!(shares(0, 2), [Vec::<i32>::new(), vec![]]);
    }

    #[test]
    fn every_queue_belongs_to_exactly_one_member() {
        for (queues, members) in (0..40).flat_map(|queues| (1..20).map(move |members| (queues, members))) {
            let shares = shares(queues, members);
            assert_eq!(shares.concat(), (0..queues).collect::<Vec<_>>());
            let lens = shares.iter().map(Vec::len);
            assert!(lens.clone().max().unwrap() - lens.min().unwrap() <= 1);
        }
    }

    #[test]
    fn who_is_not_a_member_gets_nothing() {
        assert!(allocate_average(&[0, 1], &["a".into()], "b").is_empty());
        assert!(allocate_average(&[0, 1], &[], "b").is_empty());
    }
}

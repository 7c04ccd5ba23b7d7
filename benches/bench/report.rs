//! The rows of the table: printed for people, written to target/bench.json for programs.

use serde_json::json;
use std::path::Path;

/// What more of it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    Higher,
    Lower,
}

/// One figure beside the limit it is held against.
#[derive(Debug, Clone)]
pub struct Row {
    pub name: &'static str,
    pub value: f64,
    pub unit: &'static str,
    pub better: Better,
    pub limit_name: &'static str,
    pub limit: f64,
    /// The ratio that is aimed at.
    pub goal_ratio: f64,
}

impl Row {
    /// Higher is better in both kinds.
    pub fn ratio(&self) -> f64 {
        match self.better {
            Better::Higher => self.value / self.limit,
            Better::Lower => self.limit / self.value,
        }
    }

    fn reaches_goal(&self) -> bool {
        self.ratio() >= self.goal_ratio
    }
}

pub fn print(rows: &[Row]) {
    println!(
        "\n{:<20} {:>14} {:<4} {:>14}  {:<28} {:>6} {:>6}",
        "row", "value", "unit", "limit", "limit is", "ratio", "goal"
    );
    for row in rows {
        println!(
            "{:<20} {:>14} {:<4} {:>14}  {:<28} {:>6.2} {:>6.2}  {}",
            row.name,
            figure(row.value),
            row.unit,
            figure(row.limit),
            row.limit_name,
            row.ratio(),
            row.goal_ratio,
            if row.reaches_goal() { "ok" } else { "missed" },
        );
    }
}

/// One line for whoever reads no table.
pub fn print_summary(rows: &[Row]) {
    let missed: Vec<&str> = rows.iter().filter(|row| !row.reaches_goal()).map(|row| row.name).collect();
    let (reached, all) = (rows.len() - missed.len(), rows.len());
    let missed = if missed.is_empty() { "none".to_owned() } else { missed.join(", ") };
    println!("prove: bench: {reached} of {all} rows reach their goal; missed: {missed}");
}

fn figure(value: f64) -> String {
    if value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

pub fn write(rows: &[Row], path: &Path) -> std::io::Result<()> {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "name": row.name,
                "value": row.value,
                "unit": row.unit,
                "limit_name": row.limit_name,
                "limit": row.limit,
                "ratio": row.ratio(),
                "goal_ratio": row.goal_ratio,
            })
        })
        .collect();
    std::fs::write(path, serde_json::to_string_pretty(&rows)? + "\n")
}

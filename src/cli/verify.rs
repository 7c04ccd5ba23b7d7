//! `ons verify`: whether a data directory is as it was written.

use crate::broker::verify::verify;
use crate::cli::Error;
use crate::cli::to_stdout;
use crate::protocol::failure::Failure;
use crate::store::verify::Finding;
use crate::store::verify::Verified;
use crate::sys::disk::Disk;
use crate::sys::real_disk::RealDisk;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use serde_json::Value;
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

const BAR: &str = "{bytes} of {total_bytes} {wide_bar} {bytes_per_sec}, {eta} left";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The broker's data directory
    dir: PathBuf,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Prints what was found. `Error::Found` if anything was damaged, `Error::NotDone` if it could not be checked.
pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Error> {
    let dir = &arguments.dir;
    if !dir.is_dir() {
        return Err(Error::NotDone(format!("{} is not a directory", dir.display())));
    }
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    // Draws on a terminal only.
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(BAR) {
        bar.set_style(style);
    }
    let verified = verify(&disk, dir, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let verified = verified.map_err(|failure: Failure| Error::NotDone(failure.message))?;
    let written = match arguments.json {
        true => writeln!(out, "{:#}", report(dir, &verified)),
        false => write_text(dir, &verified, out),
    };
    written.map_err(to_stdout)?;
    if verified.is_intact() { Ok(()) } else { Err(Error::Found) }
}

fn report(dir: &Path, verified: &Verified) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "file": finding.file.display().to_string(),
            "offset": finding.offset,
            "what": finding.what,
            "opening": finding.opening.name(),
        })
    };
    json!({
        "directory": dir.display().to_string(),
        "intact": verified.is_intact(),
        "segments": verified.segments,
        "index_files": verified.index_files,
        "records": verified.records,
        "log_bytes": verified.log_bytes,
        "queues": verified.queues.len(),
        "rows": verified.rows.len(),
        "timers": verified.timers,
        "damage": verified.findings.iter().map(finding).collect::<Vec<_>>(),
        "damage_left_out": verified.findings_left_out,
    })
}

fn write_text(dir: &Path, verified: &Verified, out: &mut dyn Write) -> std::io::Result<()> {
    for finding in &verified.findings {
        writeln!(out, "{finding}")?;
    }
    if verified.findings_left_out > 0 {
        writeln!(out, "and {} more", verified.findings_left_out)?;
    }
    let damage = verified.findings.len() as u64 + verified.findings_left_out;
    let told = if damage == 0 { "intact".to_owned() } else { format!("{damage} damaged") };
    writeln!(
        out,
        "{}: {told}; {} records in {} segments, {} index files, {} queues, {} rows, {} timers",
        dir.display(),
        verified.records,
        verified.segments,
        verified.index_files,
        verified.queues.len(),
        verified.rows.len(),
        verified.timers,
    )
}

#[cfg(test)]
mod tests;

//! What can go wrong, as a code that JavaScript can branch on; and the guard that turns panics into it.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use tantivy::TantivyError;
use tantivy::directory::error::OpenReadError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    CorruptFile,
    MissingFile,
    UnsupportedVersion,
    UnsupportedCodec,
    Schema,
    FieldType,
    MultiValued,
    Limit,
    Panic,
    Closed,
    InvalidArg,
    Write,
}

impl Code {
    pub fn name(self) -> &'static str {
        match self {
            Code::CorruptFile => "TANTIVY_CORRUPT_FILE",
            Code::MissingFile => "TANTIVY_MISSING_FILE",
            Code::UnsupportedVersion => "TANTIVY_UNSUPPORTED_VERSION",
            Code::UnsupportedCodec => "TANTIVY_UNSUPPORTED_CODEC",
            Code::Schema => "TANTIVY_SCHEMA",
            Code::FieldType => "TANTIVY_FIELD_TYPE",
            Code::MultiValued => "TANTIVY_MULTI_VALUED",
            Code::Limit => "TANTIVY_LIMIT",
            Code::Panic => "TANTIVY_PANIC",
            Code::Closed => "TANTIVY_CLOSED",
            Code::InvalidArg => "TANTIVY_INVALID_ARG",
            Code::Write => "TANTIVY_WRITE",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Failure {
    pub code: Code,
    pub message: String,
    pub file: Option<String>,
}

pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Failure {
            code,
            message: message.into(),
            file: None,
        }
    }

    pub fn corrupt(file: &str, message: impl AsRef<str>) -> Self {
        Failure::in_file(Code::CorruptFile, file, message)
    }

    pub fn in_file(code: Code, file: &str, message: impl AsRef<str>) -> Self {
        Failure {
            code,
            message: format!("{file}: {}", message.as_ref()),
            file: Some(file.to_owned()),
        }
    }

    pub fn missing(file: &str) -> Self {
        Failure::in_file(Code::MissingFile, file, "the file is not among those given")
    }

    pub fn closed(what: &str) -> Self {
        Failure::new(Code::Closed, format!("{what} is closed"))
    }

    /// Tantivy's own error; `file` is where it happened, for errors that do not name their file.
    pub fn from_tantivy(error: TantivyError, file: Option<&str>) -> Self {
        let (code, named) = match &error {
            TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(path)) => {
                (Code::MissingFile, Some(path.to_string_lossy().into_owned()))
            }
            TantivyError::OpenReadError(OpenReadError::IncompatibleIndex(_))
            | TantivyError::IncompatibleIndex(_) => (Code::UnsupportedVersion, None),
            TantivyError::OpenReadError(OpenReadError::IoError { filepath, .. }) => (
                Code::CorruptFile,
                Some(filepath.to_string_lossy().into_owned()),
            ),
            TantivyError::DataCorruption(_) | TantivyError::IoError(_) => (Code::CorruptFile, None),
            TantivyError::SchemaError(_) | TantivyError::FieldNotFound(_) => (Code::Schema, None),
            TantivyError::InvalidArgument(_) => (Code::InvalidArg, None),
            _ => (Code::Write, None),
        };
        let file = named.or_else(|| file.map(str::to_owned));
        let message = match &file {
            Some(file) => format!("{file}: {error}"),
            None => error.to_string(),
        };
        Failure {
            code,
            message,
            file,
        }
    }
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

static QUIET_HOOK: Once = Once::new();

/// Threads that Tantivy's writer starts: what fails in them comes back as an error of the call that waits for them.
const WRITER_THREADS: [&str; 4] = [
    "thrd-tantivy-index",
    "segment_updater",
    "merge_thread",
    "docstore-compressor",
];

fn is_quiet() -> bool {
    GUARDED.with(Cell::get)
        || std::thread::current()
            .name()
            .is_some_and(|name| WRITER_THREADS.iter().any(|prefix| name.starts_with(prefix)))
}

/// Runs `work` so that a panic in it becomes `TANTIVY_PANIC`. The panic hook is silenced for our own threads
/// only: whatever else lives in the process keeps its messages.
pub fn guard<T>(file: Option<&str>, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    QUIET_HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !is_quiet() {
                loud(info);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.unwrap_or_else(|payload| {
        let reason = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "unknown reason".to_owned());
        Err(match file {
            Some(file) => Failure::in_file(Code::Panic, file, format!("panic: {reason}")),
            None => Failure::new(Code::Panic, format!("panic: {reason}")),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_coded_failure() {
        let failure = guard::<()>(Some("a.store"), || panic!("slice out of range")).unwrap_err();
        assert_eq!(failure.code, Code::Panic);
        assert_eq!(failure.file.as_deref(), Some("a.store"));
        assert!(failure.message.contains("slice out of range"));
    }
}

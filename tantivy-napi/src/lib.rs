//! Tantivy indexes in memory, for Node.js: stored fields out in columns, columns in to new indexes.
//!
//! `binding` is the only module that knows JavaScript; all else takes and returns plain values.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable
    )
)]

pub mod binding;
pub mod bytes;
pub mod columns;
pub mod document;
pub mod error;
pub mod files;
pub mod footer;
pub mod index;
pub mod read;
pub mod store;
pub mod stored_value;
pub mod write;

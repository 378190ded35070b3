//! The JavaScript side. `index.js` checks arguments and throws; what arrives here has the right types.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, TryLockError};

use napi::bindgen_prelude::{
    AsyncTask, BigInt, BigInt64Array, BigUint64Array, Either4, Float64Array, Object,
    ObjectFinalize, ToNapiValue, TypeName, Uint8Array, Uint32Array,
};
use napi::{Env, Task, ValueType, sys};
use napi_derive::napi;
use tantivy::directory::OwnedBytes;
use tantivy::schema::DateTimePrecision;

use crate::columns::{Column, ColumnType, MultiValued, Values};
use crate::error::{Code, Failure, Outcome, guard};
use crate::files::Files;
use crate::index::OpenIndex;
use crate::read::{Cursor, Range, ReadOptions};
use crate::write::{self, Builder, FieldSpec, FileMap, InputColumn};

/// To JavaScript: the value, or an object `{ failure, message, file? }` that `index.js` throws as an error.
pub struct Settled<T>(Outcome<T>);

impl<T> TypeName for Settled<T> {
    fn type_name() -> &'static str {
        "Settled"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl<T: ToNapiValue> ToNapiValue for Settled<T> {
    unsafe fn to_napi_value(env: sys::napi_env, settled: Self) -> napi::Result<sys::napi_value> {
        match settled.0 {
            // SAFETY: the caller vouches for `env`.
            Ok(value) => unsafe { T::to_napi_value(env, value) },
            Err(failure) => {
                let env = Env::from_raw(env);
                let mut object = Object::new(&env)?;
                object.set("failure", failure.code.name())?;
                object.set("message", failure.message)?;
                object.set("file", failure.file)?;
                // SAFETY: as above.
                unsafe { Object::to_napi_value(env.raw(), object) }
            }
        }
    }
}

type Job<T> = Box<dyn FnOnce() -> Outcome<T> + Send>;

/// Work for a thread of libuv's pool.
pub struct Work<T> {
    job: Option<Job<T>>,
}

fn work<T>(job: impl FnOnce() -> Outcome<T> + Send + 'static) -> AsyncTask<Work<T>>
where
    T: ToNapiValue + Send + 'static,
{
    AsyncTask::new(Work {
        job: Some(Box::new(job)),
    })
}

impl<T: ToNapiValue + Send + 'static> Task for Work<T> {
    type Output = Outcome<T>;
    type JsValue = Settled<T>;

    fn compute(&mut self) -> napi::Result<Outcome<T>> {
        Ok(match self.job.take() {
            Some(job) => guard(None, job),
            None => Err(Failure::new(Code::InvalidArg, "a job ran twice")),
        })
    }

    fn resolve(&mut self, _env: Env, output: Outcome<T>) -> napi::Result<Settled<T>> {
        Ok(Settled(output))
    }
}

#[napi(object, object_to_js = false)]
pub struct NamedFile {
    pub name: String,
    pub data: Uint8Array,
}

fn copy_files(files: Vec<NamedFile>) -> HashMap<String, OwnedBytes> {
    files
        .into_iter()
        .map(|file| (file.name, OwnedBytes::new(file.data.to_vec())))
        .collect()
}

#[napi(object, object_from_js = false)]
pub struct FieldOut {
    pub name: String,
    #[napi(js_name = "type")]
    pub type_name: &'static str,
    pub indexed: bool,
    pub stored: bool,
    pub fast: bool,
    pub tokenizer: Option<String>,
}

#[napi(object, object_from_js = false)]
pub struct SegmentOut {
    pub id: String,
    pub max_doc: u32,
    pub num_docs: u32,
    pub deleted_docs: u32,
    pub files: Vec<String>,
}

#[napi(object, object_from_js = false)]
pub struct IndexOut {
    pub schema: Vec<FieldOut>,
    pub segments: Vec<SegmentOut>,
    pub opstamp: BigInt,
    pub payload: Option<String>,
    pub format_version: Option<u32>,
    pub library_version: Option<String>,
    pub meta_json: String,
}

#[napi(object, object_from_js = false)]
pub struct ChecksumOut {
    pub name: String,
    pub ok: bool,
    pub code: Option<&'static str>,
    pub message: Option<String>,
}

/// An open index. Its files lie outside V8's heap, which is told of them so that it collects in time.
#[napi(custom_finalize)]
pub struct NativeIndex {
    index: Option<Arc<OpenIndex>>,
    reported_bytes: i64,
}

impl ObjectFinalize for NativeIndex {
    fn finalize(self, env: Env) -> napi::Result<()> {
        env.adjust_external_memory(-self.reported_bytes)?;
        Ok(())
    }
}

pub struct OpenTask {
    files: Option<HashMap<String, OwnedBytes>>,
    verify_checksums: bool,
}

impl Task for OpenTask {
    type Output = Outcome<OpenIndex>;
    type JsValue = Settled<NativeIndex>;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let files = self.files.take().unwrap_or_default();
        Ok(guard(None, || {
            OpenIndex::open(Files::new(files), self.verify_checksums)
        }))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        Ok(Settled(match output {
            Err(failure) => Err(failure),
            Ok(index) => {
                let reported_bytes = index.num_bytes as i64;
                env.adjust_external_memory(reported_bytes)?;
                Ok(NativeIndex {
                    index: Some(Arc::new(index)),
                    reported_bytes,
                })
            }
        }))
    }
}

#[napi(js_name = "openIndex")]
pub fn open_index(files: Vec<NamedFile>, verify_checksums: bool) -> AsyncTask<OpenTask> {
    AsyncTask::new(OpenTask {
        files: Some(copy_files(files)),
        verify_checksums,
    })
}

#[napi]
impl NativeIndex {
    fn open(&self) -> Outcome<Arc<OpenIndex>> {
        self.index
            .clone()
            .ok_or_else(|| Failure::closed("the index"))
    }

    #[napi]
    pub fn describe(&self) -> Settled<IndexOut> {
        Settled(self.open().map(|index| {
            IndexOut {
                schema: index
                    .schema
                    .iter()
                    .map(|field| FieldOut {
                        name: field.name.clone(),
                        type_name: field.type_name,
                        indexed: field.indexed,
                        stored: field.stored,
                        fast: field.fast,
                        tokenizer: field.tokenizer.clone(),
                    })
                    .collect(),
                segments: index
                    .segments
                    .iter()
                    .map(|segment| SegmentOut {
                        id: segment.id.clone(),
                        max_doc: segment.max_doc,
                        num_docs: segment.max_doc - segment.deleted_docs,
                        deleted_docs: segment.deleted_docs,
                        files: segment.files.clone(),
                    })
                    .collect(),
                opstamp: BigInt::from(index.opstamp),
                payload: index.payload.clone(),
                format_version: index.format_version,
                library_version: index.library_version.clone(),
                meta_json: index.meta_json.clone(),
            }
        }))
    }

    #[napi]
    pub fn verify_checksums(&self) -> AsyncTask<Work<Vec<ChecksumOut>>> {
        let index = self.open();
        work(move || {
            let checksums = index?.verify_checksums();
            Ok(checksums
                .into_iter()
                .map(|checksum| ChecksumOut {
                    name: checksum.name,
                    ok: checksum.failure.is_none(),
                    code: checksum.failure.as_ref().map(|failure| failure.code.name()),
                    message: checksum.failure.map(|failure| failure.message),
                })
                .collect())
        })
    }

    #[napi]
    pub fn read(&self, options: ReadIn) -> Settled<NativeCursor> {
        Settled(guard(None, || {
            let cursor = Cursor::new(self.open()?, options.into())?;
            Ok(NativeCursor {
                fields: cursor
                    .fields
                    .iter()
                    .map(|(name, kind)| CursorField {
                        name: name.clone(),
                        type_name: kind.name(),
                    })
                    .collect(),
                cursor: Some(Arc::new(Mutex::new(cursor))),
            })
        }))
    }

    /// Running reads end with `TANTIVY_CLOSED`; the memory goes when the last of them has.
    #[napi]
    pub fn close(&mut self, env: Env) -> napi::Result<()> {
        if let Some(index) = self.index.take() {
            index.close();
            env.adjust_external_memory(-self.reported_bytes)?;
            self.reported_bytes = 0;
        }
        Ok(())
    }
}

#[napi(object, object_to_js = false)]
pub struct RangeIn {
    pub field: String,
    /// Sort keys, not values: see `sort_key`.
    pub min: BigInt,
    pub max: BigInt,
}

#[napi(object, object_to_js = false)]
pub struct ReadIn {
    pub fields: Option<Vec<String>>,
    pub range: Option<RangeIn>,
    pub order_by: Option<String>,
    pub batch_docs: f64,
    pub batch_bytes: f64,
    pub max_bytes: f64,
    pub with_doc_ids: bool,
    pub first_of_many: bool,
}

impl From<ReadIn> for ReadOptions {
    fn from(options: ReadIn) -> Self {
        ReadOptions {
            fields: options.fields,
            range: options.range.map(|range| Range {
                field: range.field,
                min: range.min.get_u64().1,
                max: range.max.get_u64().1,
            }),
            order_by: options.order_by,
            batch_docs: options.batch_docs as usize,
            batch_bytes: options.batch_bytes as usize,
            max_bytes: options.max_bytes as usize,
            with_doc_ids: options.with_doc_ids,
            multi_valued: if options.first_of_many {
                MultiValued::First
            } else {
                MultiValued::Error
            },
        }
    }
}

#[napi(object, object_from_js = false)]
#[derive(Clone)]
pub struct CursorField {
    pub name: String,
    #[napi(js_name = "type")]
    pub type_name: &'static str,
}

#[napi(object, object_from_js = false)]
pub struct ColumnOut {
    pub values: Option<Either4<BigInt64Array, BigUint64Array, Float64Array, Uint8Array>>,
    pub data: Option<Uint8Array>,
    pub offsets: Option<Uint32Array>,
    pub nulls: Option<Uint8Array>,
}

impl From<Column> for ColumnOut {
    fn from(mut column: Column) -> Self {
        let nulls = column.take_nulls().map(Uint8Array::new);
        let (values, data, offsets) = match column.values {
            Values::I64(values) => (Some(Either4::A(BigInt64Array::new(values))), None, None),
            Values::U64(values) => (Some(Either4::B(BigUint64Array::new(values))), None, None),
            Values::F64(values) => (Some(Either4::C(Float64Array::new(values))), None, None),
            Values::Bool(values) => (Some(Either4::D(Uint8Array::new(values))), None, None),
            Values::Blob { data, offsets } => (
                None,
                Some(Uint8Array::new(data)),
                Some(Uint32Array::new(offsets)),
            ),
        };
        ColumnOut {
            values,
            data,
            offsets,
            nulls,
        }
    }
}

#[napi(object, object_from_js = false)]
pub struct BatchJs {
    pub num_docs: u32,
    pub columns: Vec<ColumnOut>,
    pub segment_ords: Option<Uint32Array>,
    pub doc_ids: Option<Uint32Array>,
}

#[napi]
pub struct NativeCursor {
    fields: Vec<CursorField>,
    cursor: Option<Arc<Mutex<Cursor>>>,
}

#[napi]
impl NativeCursor {
    #[napi]
    pub fn fields(&self) -> Vec<CursorField> {
        self.fields.clone()
    }

    #[napi]
    pub fn next_batch(&self) -> AsyncTask<Work<Option<BatchJs>>> {
        let cursor = self.cursor.clone();
        work(move || {
            let cursor = cursor.ok_or_else(|| Failure::closed("the cursor"))?;
            let mut cursor = match cursor.try_lock() {
                Ok(cursor) => cursor,
                Err(TryLockError::WouldBlock) => {
                    return Err(Failure::new(
                        Code::InvalidArg,
                        "the cursor is already being read",
                    ));
                }
                Err(TryLockError::Poisoned(_)) => {
                    return Err(Failure::closed("the cursor, after a panic,"));
                }
            };
            Ok(cursor.next_batch()?.map(|batch| {
                let (segment_ords, doc_ids) = batch
                    .doc_ids
                    .map(|ids| (Uint32Array::new(ids.segments), Uint32Array::new(ids.docs)))
                    .unzip();
                BatchJs {
                    num_docs: batch.num_docs as u32,
                    columns: batch.columns.into_iter().map(ColumnOut::from).collect(),
                    segment_ords,
                    doc_ids,
                }
            }))
        })
    }

    #[napi]
    pub fn close(&mut self) {
        self.cursor = None;
    }
}

#[napi(object, object_to_js = false)]
pub struct FieldIn {
    pub name: String,
    #[napi(js_name = "type")]
    pub type_name: String,
    pub indexed: bool,
    pub stored: bool,
    pub fast: bool,
    pub tokenizer: Option<String>,
    pub precision: Option<String>,
}

impl FieldIn {
    fn spec(self) -> Outcome<FieldSpec> {
        let kind = ColumnType::from_name(&self.type_name).ok_or_else(|| {
            let what = format!(
                "field '{}': the type '{}' cannot be written",
                self.name, self.type_name
            );
            Failure::new(Code::FieldType, what)
        })?;
        let precision = match self.precision.as_deref() {
            None => None,
            Some("seconds") => Some(DateTimePrecision::Seconds),
            Some("milliseconds") => Some(DateTimePrecision::Milliseconds),
            Some("microseconds") => Some(DateTimePrecision::Microseconds),
            Some("nanoseconds") => Some(DateTimePrecision::Nanoseconds),
            Some(other) => {
                let what = format!("field '{}': no precision '{other}'", self.name);
                return Err(Failure::new(Code::InvalidArg, what));
            }
        };
        Ok(FieldSpec {
            name: self.name,
            kind,
            indexed: self.indexed,
            stored: self.stored,
            fast: self.fast,
            tokenizer: self.tokenizer,
            precision,
        })
    }
}

#[napi(object, object_to_js = false)]
pub struct ColumnIn {
    /// Place of the field in the schema.
    pub field: u32,
    pub i64: Option<BigInt64Array>,
    pub u64: Option<BigUint64Array>,
    pub f64: Option<Float64Array>,
    pub bool: Option<Uint8Array>,
    pub data: Option<Uint8Array>,
    pub offsets: Option<Uint32Array>,
    pub nulls: Option<Uint8Array>,
}

impl ColumnIn {
    /// A copy, for JavaScript keeps the arrays and may write to them.
    fn copy(self) -> Outcome<InputColumn> {
        let values = match self {
            ColumnIn {
                i64: Some(ref values),
                ..
            } => Values::I64(values.to_vec()),
            ColumnIn {
                u64: Some(ref values),
                ..
            } => Values::U64(values.to_vec()),
            ColumnIn {
                f64: Some(ref values),
                ..
            } => Values::F64(values.to_vec()),
            ColumnIn {
                bool: Some(ref values),
                ..
            } => Values::Bool(values.to_vec()),
            ColumnIn {
                data: Some(ref data),
                offsets: Some(ref offsets),
                ..
            } => Values::Blob {
                data: data.to_vec(),
                offsets: offsets.to_vec(),
            },
            _ => return Err(Failure::new(Code::InvalidArg, "a column has no values")),
        };
        Ok(InputColumn {
            field: self.field,
            values,
            nulls: self.nulls.map(|nulls| nulls.to_vec()),
        })
    }
}

#[napi(object, object_from_js = false)]
pub struct FileOut {
    pub name: String,
    pub data: Uint8Array,
}

fn files_out(files: FileMap) -> Vec<FileOut> {
    files
        .into_iter()
        .map(|(name, data)| FileOut {
            name,
            data: Uint8Array::new(data),
        })
        .collect()
}

struct Building {
    builder: Builder,
    uncommitted: bool,
}

/// `index.js` makes one call at a time.
#[napi]
pub struct NativeBuilder {
    building: Arc<Mutex<Option<Building>>>,
}

fn builder_closed() -> Failure {
    Failure::closed("the builder")
}

impl NativeBuilder {
    /// Runs a step on the pool. Arguments are refused before anything is touched; any other failure closes the
    /// builder, for nobody could say what it holds.
    fn step<T>(
        &self,
        step: impl FnOnce(&mut Building) -> Outcome<T> + Send + 'static,
    ) -> AsyncTask<Work<T>>
    where
        T: ToNapiValue + Send + 'static,
    {
        let building = Arc::clone(&self.building);
        work(move || {
            let mut slot = building.try_lock().map_err(|_| builder_closed())?;
            let mut taken = slot.take().ok_or_else(builder_closed)?;
            let result = step(&mut taken);
            if result
                .as_ref()
                .map_or_else(|failure| failure.code == Code::InvalidArg, |_| true)
            {
                *slot = Some(taken);
            }
            result
        })
    }
}

pub struct CreateTask {
    fields: Option<Vec<FieldIn>>,
    memory_budget: usize,
}

impl Task for CreateTask {
    type Output = Outcome<Builder>;
    type JsValue = Settled<NativeBuilder>;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let fields = self.fields.take().unwrap_or_default();
        Ok(guard(None, || {
            let specs = fields
                .into_iter()
                .map(FieldIn::spec)
                .collect::<Outcome<_>>()?;
            Builder::create(specs, self.memory_budget)
        }))
    }

    fn resolve(&mut self, _env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        Ok(Settled(output.map(|builder| NativeBuilder {
            building: Arc::new(Mutex::new(Some(Building {
                builder,
                uncommitted: false,
            }))),
        })))
    }
}

#[napi(js_name = "createBuilder")]
pub fn create_builder(fields: Vec<FieldIn>, memory_budget: f64) -> AsyncTask<CreateTask> {
    AsyncTask::new(CreateTask {
        fields: Some(fields),
        memory_budget: memory_budget as usize,
    })
}

#[napi]
impl NativeBuilder {
    #[napi]
    pub fn add(&self, num_docs: u32, columns: Vec<ColumnIn>) -> AsyncTask<Work<()>> {
        let columns: Outcome<Vec<InputColumn>> = columns.into_iter().map(ColumnIn::copy).collect();
        self.step(move |building| {
            building.builder.add(num_docs as usize, &columns?)?;
            building.uncommitted = true;
            Ok(())
        })
    }

    #[napi]
    pub fn commit(&self, payload: Option<String>) -> AsyncTask<Work<BigInt>> {
        self.step(move |building| {
            let opstamp = building.builder.commit(payload.as_deref())?;
            building.uncommitted = false;
            Ok(BigInt::from(opstamp))
        })
    }

    #[napi]
    pub fn finish(&self) -> AsyncTask<Work<Vec<FileOut>>> {
        let building = Arc::clone(&self.building);
        work(move || {
            let mut slot = building.try_lock().map_err(|_| builder_closed())?;
            let Building {
                builder,
                uncommitted,
            } = slot.take().ok_or_else(builder_closed)?;
            Ok(files_out(builder.finish(uncommitted)?))
        })
    }

    /// Drops what was added: its threads are waited for, so this too is work for the pool.
    #[napi]
    pub fn close(&self) -> AsyncTask<Work<()>> {
        let building = Arc::clone(&self.building);
        work(move || {
            if let Ok(mut slot) = building.lock() {
                drop(slot.take());
            }
            Ok(())
        })
    }
}

#[napi(js_name = "mergeIndexes")]
pub fn merge_indexes(
    indexes: Vec<Vec<NamedFile>>,
    max_bytes: f64,
) -> AsyncTask<Work<Vec<FileOut>>> {
    let indexes: Vec<_> = indexes.into_iter().map(copy_files).collect();
    work(move || {
        let opened = indexes
            .into_iter()
            .map(|files| OpenIndex::open(Files::new(files), true))
            .collect::<Outcome<Vec<_>>>()?;
        Ok(files_out(write::merge(&opened, max_bytes as usize)?))
    })
}

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.DefaultRecordBatch;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.MutableRecordBatch;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.SimpleRecord;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.ByteBufferOutputStream;
import org.apache.kafka.common.utils.Utils;

/**
 * Reads and writes record batches with the classes of Apache Kafka's own clients.
 *
 *   decode BATCHES   prints each batch with its records, a JSON line a batch
 *   encode SPECS OUT writes the batches of a JSON array of the same shape
 *
 * Int64s are strings, bytes are hex or null.
 */
public class RecordsJudge {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "decode" -> decode(Path.of(args[1]));
            case "encode" -> encode(Path.of(args[1]), Path.of(args[2]));
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private static void decode(Path file) throws Exception {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
        int validBytes = 0;
        for (RecordBatch batch : MemoryRecords.readableRecords(bytes).batches()) {
            batch.ensureValid();
            validBytes += batch.sizeInBytes();
            out.println(MAPPER.writeValueAsString(toJson(batch)));
        }
        if (validBytes != bytes.limit()) {
            throw new IllegalStateException("batches end at byte " + validBytes + " of " + bytes.limit());
        }
        out.flush();
    }

    private static ObjectNode toJson(RecordBatch batch) {
        ObjectNode json = MAPPER.createObjectNode();
        json.put("baseOffset", Long.toString(batch.baseOffset()));
        json.put("lastOffset", Long.toString(batch.lastOffset()));
        json.put("partitionLeaderEpoch", batch.partitionLeaderEpoch());
        json.put("compressionType", batch.compressionType().name);
        json.put("timestampType", batch.timestampType().name);
        json.put("isTransactional", batch.isTransactional());
        json.put("isControl", batch.isControlBatch());
        json.put("producerId", Long.toString(batch.producerId()));
        json.put("producerEpoch", (int) batch.producerEpoch());
        json.put("baseSequence", batch.baseSequence());
        json.put("baseTimestamp", Long.toString(((DefaultRecordBatch) batch).baseTimestamp()));
        json.put("maxTimestamp", Long.toString(batch.maxTimestamp()));
        json.put("deleteHorizonMs",
            batch.deleteHorizonMs().isPresent() ? Long.toString(batch.deleteHorizonMs().getAsLong()) : null);
        json.put("crc", batch.checksum());
        json.put("sizeBytes", batch.sizeInBytes());
        ArrayNode records = json.putArray("records");
        for (Record record : batch) {
            record.ensureValid();
            records.add(toJson(record));
        }
        return json;
    }

    private static ObjectNode toJson(Record record) {
        ObjectNode json = MAPPER.createObjectNode();
        json.put("offset", Long.toString(record.offset()));
        json.put("timestamp", Long.toString(record.timestamp()));
        json.put("sequence", record.sequence());
        json.put("key", hex(record.hasKey() ? Utils.toArray(record.key()) : null));
        json.put("value", hex(record.hasValue() ? Utils.toArray(record.value()) : null));
        ArrayNode headers = json.putArray("headers");
        for (Header header : record.headers()) {
            headers.addObject().put("key", header.key()).put("value", hex(header.value()));
        }
        return json;
    }

    private static void encode(Path specs, Path file) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (JsonNode spec : MAPPER.readTree(specs.toFile())) {
            ByteBuffer bytes = build(spec).buffer();
            out.write(Utils.toArray(bytes));
        }
        Files.write(file, out.toByteArray());
    }

    private static MemoryRecords build(JsonNode spec) throws IOException {
        boolean isAppendTime = spec.get("timestampType").asText().equals("LogAppendTime");
        JsonNode deleteHorizonMs = spec.get("deleteHorizonMs");
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(
            new ByteBufferOutputStream(512),
            RecordBatch.MAGIC_VALUE_V2,
            Compression.of(CompressionType.forName(spec.get("compressionType").asText())).build(),
            TimestampType.CREATE_TIME,
            longOf(spec, "baseOffset"),
            RecordBatch.NO_TIMESTAMP,
            longOf(spec, "producerId"),
            (short) spec.get("producerEpoch").asInt(),
            spec.get("baseSequence").asInt(),
            spec.get("isTransactional").asBoolean(),
            spec.get("isControl").asBoolean(),
            spec.get("partitionLeaderEpoch").asInt(),
            Integer.MAX_VALUE,
            deleteHorizonMs == null || deleteHorizonMs.isNull()
                ? RecordBatch.NO_TIMESTAMP : Long.parseLong(deleteHorizonMs.asText()));
        for (JsonNode record : spec.get("records")) append(builder, record);
        builder.overrideLastOffset(longOf(spec, "lastOffset"));
        MemoryRecords records = builder.build();
        // As a broker does: the producer's deltas stay, type and max timestamp are set in place.
        if (isAppendTime) {
            for (MutableRecordBatch batch : records.batches()) {
                batch.setMaxTimestamp(TimestampType.LOG_APPEND_TIME, longOf(spec, "maxTimestamp"));
            }
        }
        return records;
    }

    private static void append(MemoryRecordsBuilder builder, JsonNode record) throws IOException {
        JsonNode headersJson = record.get("headers");
        Header[] headers = new Header[headersJson.size()];
        for (int i = 0; i < headers.length; i++) {
            JsonNode header = headersJson.get(i);
            headers[i] = new RecordHeader(header.get("key").asText(), bytes(header, "value"));
        }
        SimpleRecord simple = new SimpleRecord(
            longOf(record, "timestamp"), bytes(record, "key"), bytes(record, "value"), headers);
        builder.appendUncheckedWithOffset(longOf(record, "offset"), simple);
    }

    private static long longOf(JsonNode json, String name) {
        return Long.parseLong(json.get(name).asText());
    }

    private static byte[] bytes(JsonNode json, String name) {
        JsonNode hex = json.get(name);
        return hex.isNull() ? null : HexFormat.of().parseHex(hex.asText());
    }

    private static String hex(byte[] bytes) {
        return bytes == null ? null : HexFormat.of().formatHex(bytes);
    }
}

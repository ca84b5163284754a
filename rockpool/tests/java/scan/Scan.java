import com.starrocks.shade.org.apache.thrift.protocol.TBinaryProtocol;
import com.starrocks.shade.org.apache.thrift.transport.TSocket;
import com.starrocks.thrift.TScanBatchResult;
import com.starrocks.thrift.TScanCloseParams;
import com.starrocks.thrift.TScanColumnDesc;
import com.starrocks.thrift.TScanNextBatchParams;
import com.starrocks.thrift.TScanOpenParams;
import com.starrocks.thrift.TScanOpenResult;
import com.starrocks.thrift.TStarrocksExternalService;
import com.starrocks.thrift.TStatusCode;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowStreamReader;

/**
 * Reads tablets with StarRocks' own client classes, the way connectors do.
 *
 * Arguments: port, file with the opaque plan, tablet ids joined by commas, and what to do: "read" prints the columns and
 * every row, "offset" sends a wrong offset, "unknown" asks for a context that does not exist.
 */
public final class Scan {
  public static void main(String[] arguments) throws Exception {
    TSocket transport = new TSocket("127.0.0.1", Integer.parseInt(arguments[0]), 30_000, 30_000);
    transport.open();
    TStarrocksExternalService.Client client =
        new TStarrocksExternalService.Client(new TBinaryProtocol(transport));
    String plan = new String(Files.readAllBytes(Paths.get(arguments[1])), StandardCharsets.UTF_8);
    TScanOpenResult opened = client.open_scanner(parameters(plan, arguments[2]));
    print("open " + opened.getStatus().getStatus_code());
    if (!TStatusCode.OK.equals(opened.getStatus().getStatus_code())) {
      print("message " + opened.getStatus().getError_msgs());
      return;
    }
    for (TScanColumnDesc column : opened.getSelected_columns()) {
      print("column " + column.getName() + " " + column.getType());
    }
    switch (arguments[3]) {
      case "read": read(client, opened.getContext_id()); break;
      case "offset": next(client, opened.getContext_id(), 7); break;
      default: next(client, "nobody", 0); break;
    }
    print("close " + close(client, opened.getContext_id()));
    transport.close();
  }

  private static TScanOpenParams parameters(String plan, String tablets) {
    TScanOpenParams params = new TScanOpenParams();
    List<Long> ids = new ArrayList<>();
    for (String tablet : tablets.split(",")) {
      ids.add(Long.valueOf(tablet));
    }
    params.setTablet_ids(ids);
    params.setOpaqued_query_plan(plan);
    params.setCluster("default_cluster");
    params.setDatabase("d");
    params.setTable("t");
    params.setUser("root");
    params.setPasswd("");
    params.setBatch_size(4096);
    params.setKeep_alive_min((short) 10);
    params.setQuery_timeout(600);
    params.setMem_limit(1L << 30);
    params.setProperties(Collections.singletonMap("reader", "test"));
    return params;
  }

  private static void read(TStarrocksExternalService.Client client, String context) throws Exception {
    long offset = 0;
    try (RootAllocator allocator = new RootAllocator()) {
      while (true) {
        TScanBatchResult batch = next(client, context, offset);
        if (batch.isEos()) {
          print("rows " + offset);
          return;
        }
        offset += rows(batch.getRows(), allocator);
      }
    }
  }

  private static TScanBatchResult next(TStarrocksExternalService.Client client, String context, long offset)
      throws Exception {
    TScanNextBatchParams params = new TScanNextBatchParams();
    params.setContext_id(context);
    params.setOffset(offset);
    TScanBatchResult batch = client.get_next(params);
    print("next " + batch.getStatus().getStatus_code() + " " + batch.getStatus().getError_msgs());
    return batch;
  }

  private static int rows(byte[] stream, RootAllocator allocator) throws Exception {
    int count = 0;
    try (ArrowStreamReader reader = new ArrowStreamReader(new ByteArrayInputStream(stream), allocator)) {
      VectorSchemaRoot root = reader.getVectorSchemaRoot();
      while (reader.loadNextBatch()) {
        for (int n = 0; n < root.getRowCount(); n++) {
          StringBuilder line = new StringBuilder("row");
          for (FieldVector vector : root.getFieldVectors()) {
            line.append('|').append(vector.getObject(n));
          }
          print(line.toString());
        }
        count += root.getRowCount();
      }
    }
    return count;
  }

  private static TStatusCode close(TStarrocksExternalService.Client client, String context) throws Exception {
    TScanCloseParams params = new TScanCloseParams();
    params.setContext_id(context);
    return client.close_scanner(params).getStatus().getStatus_code();
  }

  private static void print(String line) {
    System.out.println(line);
  }
}

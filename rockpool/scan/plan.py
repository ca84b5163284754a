"""The opaque plan that a frontend hands to a reader and a backend takes back: base64 of a TQueryPlanInfo.

Tablets, versions, columns and names are where readers of such plans look for them. What our scanner needs besides is
JSON in the fragment, signed, because it holds a statement of the store: nobody can bring one of his own.
"""
import base64
import hashlib
import hmac
import json
import secrets
import uuid
from dataclasses import asdict, dataclass

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

from rockpool.scan import structs
from rockpool.sqltypes import SqlType

NOT_A_COLUMN = "output expr is not slot ref"


class BadPlan(Exception):
    pass


@dataclass
class Scan:
    """What a scan reads. columns: [name in the table, name in the result, packed type, may it be NULL], or None when
    the select list holds more than columns, which a backend refuses."""
    table_id: int
    version: int
    schema_hash: int
    sql: str
    columns: list | None
    tablet_ids: list

    def kinds(self):
        return [SqlType.unpacked(packed) for _, _, packed, _ in self.columns]


class Signer:
    def __init__(self, meta):
        kept = dict(meta.all("key")).get(1)
        if kept is None:
            kept = {"key": secrets.token_hex(16)}
            meta.put("key", 1, kept)
        self.key = bytes.fromhex(kept["key"])

    def sign(self, body):
        return hmac.new(self.key, body, hashlib.sha256).digest() + body

    def check(self, signed):
        if signed is None or not hmac.compare_digest(signed[:32], self.sign(signed[32:])[:32]):
            raise BadPlan()
        return signed[32:]


def write(scan, signer):
    """The opaque plan as text."""
    identity = uuid.uuid4().int
    found = structs.TQueryPlanInfo(
        plan_fragment=structs.TPlanFragment(partition=structs.TDataPartition(type=0),
                                            scan=signer.sign(json.dumps(asdict(scan)).encode())),
        tablet_info={t: structs.TTabletVersionInfo(tablet_id=t, version=scan.version, version_hash=0,
                                                   schema_hash=scan.schema_hash) for t in scan.tablet_ids},
        desc_tbl=_descriptors(scan), output_names=[c[1] for c in scan.columns or ()],
        query_id=structs.TUniqueId(hi=_signed(identity >> 64), lo=_signed(identity & (1 << 64) - 1)))
    buffer = TMemoryBuffer()
    found.write(TBinaryProtocol(buffer))
    return base64.b64encode(buffer.getvalue()).decode()


def _signed(number):
    return number - (1 << 64) if number >> 63 else number


def _descriptors(scan):
    slots = [structs.TSlotDescriptor(id=n + 1, parent=0, slotType=structs.TTypeDesc(types=structs.type_nodes(kind)),
                                     columnPos=-1, colName=name, slotIdx=-1, isMaterialized=True, isOutputColumn=True,
                                     isNullable=nullable, col_unique_id=-1)
             for n, ((name, _, _, nullable), kind) in enumerate(zip(scan.columns or (), scan.kinds() if scan.columns else ()))]
    return structs.TDescriptorTable(slotDescriptors=slots, tupleDescriptors=[
        structs.TTupleDescriptor(id=0, byteSize=0, numNullBytes=0, tableId=scan.table_id, numNullSlots=0)])


def read(text, signer):
    """The Scan in an opaque plan (bytes); BadPlan says what a backend says of another text."""
    try:
        packed = base64.b64decode(text, validate=True)
    except ValueError:
        raise BadPlan("query_plan_info:  validate error, should not be modified after returned StarRocks FE "
                      "processed") from None
    try:
        found = structs.TQueryPlanInfo()
        found.read(TBinaryProtocol(TMemoryBuffer(packed), string_length_limit=len(packed), container_length_limit=len(packed)))
        return Scan(**json.loads(signer.check(found.plan_fragment.scan)))
    except Exception:  # whatever the bytes lead the reader into
        shown = packed.decode("utf-8", "replace")
        raise BadPlan(f"query_plan_info: {shown} deserialize error, should not be modified after returned StarRocks FE "
                      "processed") from None

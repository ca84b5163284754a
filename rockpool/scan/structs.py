"""The Thrift structs of the scanner service and of the plan it takes, with the field numbers of StarRocks.

    open_scanner(1: TScanOpenParams params) -> TScanOpenResult
    get_next(1: TScanNextBatchParams params) -> TScanBatchResult
    close_scanner(1: TScanCloseParams params) -> TScanCloseResult

Each struct is a class with a thrift_spec, which is all that thrift's binary protocol needs.
"""
from thrift.protocol.TBase import TBase
from thrift.Thrift import TType

BOOL, I16, I32, I64 = (TType.BOOL,), (TType.I16,), (TType.I32,), (TType.I64,)
TEXT, BINARY = (TType.STRING, "UTF8"), (TType.STRING, "BINARY")


def record(kind):
    return (TType.STRUCT, [kind, kind.thrift_spec])


def many(of):
    return (TType.LIST, (of[0], of[1] if len(of) > 1 else None, False))


def mapping(key, value):
    return (TType.MAP, (key[0], key[1] if len(key) > 1 else None, value[0], value[1] if len(value) > 1 else None, False))


def struct(name, /, **fields):
    """A struct from name=(number, type); a third part marks a required field."""
    highest = max(found[0] for found in fields.values())
    spec = [None] * (highest + 1)
    for field, (number, kind, *_) in fields.items():
        spec[number] = (number, kind[0], field, kind[1] if len(kind) > 1 else None, None)
    required = [field for field, found in fields.items() if len(found) > 2]

    def fill(self, /, **given):
        for field in fields:
            setattr(self, field, given.pop(field, None))
        if given:
            raise TypeError(f"{name} has no field {', '.join(given)}")
    return type(name, (TBase,), {"__init__": fill, "thrift_spec": tuple(spec), "required": required})


def missing(found):
    """The required fields that a struct read from the wire lacks."""
    return [field for field in found.required if getattr(found, field) is None]


R = True  # required
TStatus = struct("TStatus", status_code=(1, I32, R), error_msgs=(2, many(TEXT)))
TScanOpenParams = struct(
    "TScanOpenParams", cluster=(1, TEXT, R), database=(2, TEXT, R), table=(3, TEXT, R), tablet_ids=(4, many(I64), R),
    opaqued_query_plan=(5, BINARY, R), batch_size=(6, I32), properties=(7, mapping(TEXT, TEXT)), limit=(8, I64),
    user=(9, TEXT), passwd=(10, TEXT), keep_alive_min=(11, I16), query_timeout=(12, I32), mem_limit=(13, I64))
TScanColumnDesc = struct("TScanColumnDesc", name=(1, TEXT), type=(2, I32))
TScanOpenResult = struct("TScanOpenResult", status=(1, record(TStatus), R), context_id=(2, TEXT),
                         selected_columns=(3, many(record(TScanColumnDesc))))
TScanNextBatchParams = struct("TScanNextBatchParams", context_id=(1, TEXT), offset=(2, I64))
TScanBatchResult = struct("TScanBatchResult", status=(1, record(TStatus), R), eos=(2, BOOL), rows=(3, BINARY))
TScanCloseParams = struct("TScanCloseParams", context_id=(1, TEXT))
TScanCloseResult = struct("TScanCloseResult", status=(1, record(TStatus), R))

# ---------------------------------------------------------------- what a plan is made of
TUniqueId = struct("TUniqueId", hi=(1, I64, R), lo=(2, I64, R))
TScalarType = struct("TScalarType", type=(1, I32, R), len=(2, I32), precision=(3, I32), scale=(4, I32))
TStructField = struct("TStructField", name=(1, TEXT), comment=(2, TEXT))
TTypeNode = struct("TTypeNode", type=(1, I32, R), scalar_type=(2, record(TScalarType)),
                   struct_fields=(3, many(record(TStructField))))
TTypeDesc = struct("TTypeDesc", types=(1, many(record(TTypeNode))))
TSlotDescriptor = struct("TSlotDescriptor", id=(1, I32), parent=(2, I32), slotType=(3, record(TTypeDesc)),
                         columnPos=(4, I32), colName=(8, TEXT), slotIdx=(9, I32), isMaterialized=(10, BOOL),
                         isOutputColumn=(11, BOOL), isNullable=(12, BOOL), col_unique_id=(13, I32))
TTupleDescriptor = struct("TTupleDescriptor", id=(1, I32), byteSize=(2, I32), numNullBytes=(3, I32), tableId=(4, I64),
                          numNullSlots=(5, I32))
TDescriptorTable = struct("TDescriptorTable", slotDescriptors=(1, many(record(TSlotDescriptor))),
                          tupleDescriptors=(2, many(record(TTupleDescriptor)), R))
TDataPartition = struct("TDataPartition", type=(1, I32, R))
# A real fragment has operators; ours has one field of its own, of a number no StarRocks uses: the scan as signed JSON.
TPlanFragment = struct("TPlanFragment", partition=(6, record(TDataPartition), R), scan=(30000, BINARY))
TTabletVersionInfo = struct("TTabletVersionInfo", tablet_id=(1, I64, R), version=(2, I64, R), version_hash=(3, I64, R),
                            schema_hash=(4, I32, R))
TQueryPlanInfo = struct("TQueryPlanInfo", plan_fragment=(1, record(TPlanFragment), R),
                        tablet_info=(2, mapping(I64, record(TTabletVersionInfo)), R),
                        desc_tbl=(3, record(TDescriptorTable), R), query_id=(4, record(TUniqueId), R),
                        output_names=(5, many(TEXT)))

# ---------------------------------------------------------------- numbers
OK, INTERNAL_ERROR, NOT_FOUND, INVALID_ARGUMENT = 0, 6, 31, 33

PRIMITIVES = {"BOOLEAN": 2, "TINYINT": 3, "SMALLINT": 4, "INT": 5, "BIGINT": 6, "FLOAT": 7, "DOUBLE": 8, "DATE": 9,
              "DATETIME": 10, "CHAR": 13, "LARGEINT": 14, "VARCHAR": 15, "HLL": 16, "TIME": 18, "BITMAP": 19,
              "PERCENTILE": 20, "DECIMAL32": 21, "DECIMAL64": 22, "DECIMAL128": 23, "JSON": 24, "VARBINARY": 26,
              "DECIMAL256": 27}  # TPrimitiveType; nested types have none: INVALID_TYPE, 0


def primitive(kind):
    """The TPrimitiveType of a type."""
    return PRIMITIVES.get(kind.primitive(), 0)


def type_nodes(kind):
    """A type as TTypeDesc holds it: its tree, depth first."""
    if kind.parts:
        shape = {"ARRAY": 1, "MAP": 2, "STRUCT": 3}[kind.name]
        fields = [TStructField(name=n) for n in kind.names] or None
        return [TTypeNode(type=shape, struct_fields=fields), *(n for p in kind.parts for n in type_nodes(p))]
    return [TTypeNode(type=0, scalar_type=TScalarType(type=primitive(kind), len=kind.length, precision=kind.precision,
                                                      scale=kind.scale))]

// Purpose      puts a call of Plain.Read or Plain.Write before each instruction of a method that reads or writes a field or through a pointer.
// Left out     static fields, elements of arrays, and fields of structs that lie on the evaluation stack as values.

using Mono.Cecil;
using Mono.Cecil.Cil;
using NativeMm.Explorer.Verbs;

namespace NativeMm.Explorer.Rewriting;

/// <summary>Marks the plain accesses of methods.</summary>
internal sealed class PlainAccesses(ModuleDefinition module, SiteTable sites)
{
    private const int BytesMax = 64;
    private readonly MethodReference _read = module.ImportReference(typeof(Plain).GetMethod(nameof(Plain.Read)));
    private readonly MethodReference _write = module.ImportReference(typeof(Plain).GetMethod(nameof(Plain.Write)));

    /// <summary>Marks an instruction if it is an access.</summary>
    /// <param name="il">Its method.</param>
    /// <param name="instruction">The instruction.</param>
    /// <param name="cursor">Where in the source it is.</param>
    public void Mark(ILProcessor il, Instruction instruction, LineCursor cursor)
    {
        if (instruction.Previous is { OpCode.OpCodeType: OpCodeType.Prefix })
        {
            return;
        }

        int site = sites.NumberOf(cursor.File, cursor.Line, "", cursor.TextOf(cursor.Line));
        switch (instruction.OpCode.Code)
        {
            case Code.Ldfld when instruction.Operand is FieldReference field && SizeOf(field.FieldType) is > 0 and int size && IsByAddress(instruction, il):
                Insert(il, instruction, null, field, _read, site | (size << 16));
                break;
            case Code.Stfld when instruction.Operand is FieldReference field && SizeOf(field.FieldType) is > 0 and int size:
                Insert(il, instruction, module.ImportReference(field.FieldType), field, _write, site | (size << 16));
                break;
            case Code code when LoadedBytes(code) is > 0 and int size:
                Insert(il, instruction, null, null, _read, site | (size << 16));
                break;
            case Code code when Stored(code) is { } stored:
                Insert(il, instruction, stored, null, _write, site | (SizeOf(stored) << 16));
                break;
            case Code.Ldobj when instruction.Operand is TypeReference type && SizeOf(type) is > 0 and int size:
                Insert(il, instruction, null, null, _read, site | (size << 16));
                break;
            case Code.Stobj when instruction.Operand is TypeReference type && SizeOf(type) is > 0 and int size:
                Insert(il, instruction, type, null, _write, site | (size << 16));
                break;
        }
    }

    /// <summary>The call, in front of the access. With a value on top of the address, the value steps aside.</summary>
    private static void Insert(ILProcessor il, Instruction access, TypeReference? value, FieldReference? field, MethodReference verb, int site)
    {
        List<Instruction> added = [];
        VariableDefinition? aside = null;
        if (value is not null)
        {
            aside = new VariableDefinition(value);
            il.Body.Variables.Add(aside);
            added.Add(Instruction.Create(OpCodes.Stloc, aside));
        }

        added.Add(Instruction.Create(OpCodes.Dup));
        if (field is not null)
        {
            added.Add(Instruction.Create(OpCodes.Ldflda, field));
        }

        added.Add(Instruction.Create(OpCodes.Conv_U));
        added.Add(Instruction.Create(OpCodes.Ldc_I4, site));
        added.Add(Instruction.Create(OpCodes.Call, verb));
        if (aside is not null)
        {
            added.Add(Instruction.Create(OpCodes.Ldloc, aside));
        }

        Instructions.InsertBefore(il, access, added);
    }

    private static int LoadedBytes(Code code) => code switch
    {
        Code.Ldind_I1 or Code.Ldind_U1 => 1,
        Code.Ldind_I2 or Code.Ldind_U2 => 2,
        Code.Ldind_I4 or Code.Ldind_U4 or Code.Ldind_R4 => 4,
        Code.Ldind_I8 or Code.Ldind_I or Code.Ldind_Ref or Code.Ldind_R8 => 8,
        _ => 0,
    };

    private TypeReference? Stored(Code code) => code switch
    {
        Code.Stind_I1 => module.TypeSystem.Byte,
        Code.Stind_I2 => module.TypeSystem.UInt16,
        Code.Stind_I4 => module.TypeSystem.Int32,
        Code.Stind_I8 => module.TypeSystem.Int64,
        Code.Stind_I => module.TypeSystem.UIntPtr,
        Code.Stind_Ref => module.TypeSystem.Object,
        _ => null,
    };

    /// <summary>Bytes of a type; 0 if they are unknown here, or so many that a copy of it is not looked at.</summary>
    private static int SizeOf(TypeReference type)
    {
        switch (type.MetadataType)
        {
            case MetadataType.Boolean or MetadataType.Byte or MetadataType.SByte:
                return 1;
            case MetadataType.Char or MetadataType.Int16 or MetadataType.UInt16:
                return 2;
            case MetadataType.Int32 or MetadataType.UInt32 or MetadataType.Single:
                return 4;
            case MetadataType.Int64 or MetadataType.UInt64 or MetadataType.Double or MetadataType.IntPtr or MetadataType.UIntPtr:
            case MetadataType.Pointer or MetadataType.FunctionPointer or MetadataType.Class or MetadataType.Object or MetadataType.String or MetadataType.Array:
                return 8;
            case MetadataType.ValueType:
                TypeDefinition? definition = type.Resolve();
                int bytes = definition is null ? 0
                    : definition.ClassSize > 0 ? definition.ClassSize
                    : definition.Fields.Where(field => !field.IsStatic).Sum(field => Math.Max(SizeOf(field.FieldType), BytesMax * (SizeOf(field.FieldType) == 0 ? 2 : 0)));
                return bytes <= BytesMax ? bytes : 0;
            default:
                return 0;
        }
    }

    /// <summary>Whether a field is read through an address or a reference, not out of a value.</summary>
    private static bool IsByAddress(Instruction load, ILProcessor il)
    {
        if (!((FieldReference)load.Operand).DeclaringType.IsValueType)
        {
            return true;
        }

        Instruction? from = load.Previous;
        return from?.OpCode.Code switch
        {
            Code.Ldarga or Code.Ldloca or Code.Ldflda or Code.Ldsflda or Code.Ldelema or Code.Add or Code.Conv_U or Code.Ldind_I => true,
            Code.Ldarg => from.Operand is ParameterDefinition { ParameterType: var type } && IsAddress(type, il.Body.Method, from),
            Code.Ldloc => from.Operand is VariableDefinition { VariableType: ByReferenceType or PointerType },
            Code.Ldfld => from.Operand is FieldReference { FieldType: ByReferenceType or PointerType },
            Code.Call or Code.Callvirt => from.Operand is MethodReference { ReturnType: ByReferenceType or PointerType },
            _ => false,
        };
    }

    private static bool IsAddress(TypeReference type, MethodDefinition method, Instruction from) =>
        type is ByReferenceType or PointerType || (method.HasThis && from.Operand == method.Body.ThisParameter);
}

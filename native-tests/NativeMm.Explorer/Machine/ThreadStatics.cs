using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace NativeMm.Explorer.Machine;

/// <summary>
/// The library's thread statics: the rewritten library has them as plain statics, and here each strand has a value of its own, which is exchanged
/// when strands are.
/// </summary>
internal static unsafe class ThreadStatics
{
    private static (nuint Address, int Size)[] s_numbers = [];
    private static nuint[] s_references = [];
    private static ulong[] s_savedNumbers = [];
    private static object?[] s_savedReferences = [];

    private delegate nuint Address();

    /// <summary>Finds the fields.</summary>
    /// <param name="library">The rewritten library.</param>
    /// <param name="fields">Names of types and fields, as the rewriter noted them.</param>
    public static void Find(Assembly library, IEnumerable<(string Type, string Field)> fields)
    {
        List<(nuint, int)> numbers = [];
        List<nuint> references = [];
        foreach ((string type, string name) in fields)
        {
            FieldInfo field = library.GetType(type, throwOnError: true)!.GetField(name, BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
                ?? throw new InvalidOperationException($"The rewritten library has no field {type}.{name}.");
            RuntimeHelpers.RunClassConstructor(field.DeclaringType!.TypeHandle);
            bool isReference = !field.FieldType.IsValueType && !field.FieldType.IsPointer;
            if (isReference)
            {
                references.Add(AddressOf(field));
            }
            else
            {
                numbers.Add((AddressOf(field), SizeOf(field.FieldType)));
            }
        }

        (s_numbers, s_references) = ([.. numbers], [.. references]);
        s_savedNumbers = new ulong[(Fibers.Count + 1) * numbers.Count];
        s_savedReferences = new object?[(Fibers.Count + 1) * references.Count];
    }

    /// <summary>All threads are new.</summary>
    public static void Reset()
    {
        Array.Clear(s_savedNumbers);
        Array.Clear(s_savedReferences);
    }

    /// <summary>A strand is left.</summary>
    public static void Save(int strand)
    {
        for (int i = 0; i < s_numbers.Length; i++)
        {
            (nuint address, int size) = s_numbers[i];
            s_savedNumbers[(strand * s_numbers.Length) + i] = size switch { 8 => *(ulong*)address, 4 => *(uint*)address, _ => *(byte*)address };
        }

        for (int i = 0; i < s_references.Length; i++)
        {
            s_savedReferences[(strand * s_references.Length) + i] = Unsafe.AsRef<object?>((void*)s_references[i]);
        }
    }

    /// <summary>A strand is entered.</summary>
    public static void Load(int strand)
    {
        for (int i = 0; i < s_numbers.Length; i++)
        {
            (nuint address, int size) = s_numbers[i];
            ulong value = s_savedNumbers[(strand * s_numbers.Length) + i];
            switch (size)
            {
                case 8:
                    *(ulong*)address = value;
                    break;
                case 4:
                    *(uint*)address = (uint)value;
                    break;
                default:
                    *(byte*)address = (byte)value;
                    break;
            }
        }

        for (int i = 0; i < s_references.Length; i++)
        {
            Unsafe.AsRef<object?>((void*)s_references[i]) = s_savedReferences[(strand * s_references.Length) + i];
        }
    }

    private static int SizeOf(Type type) =>
        type.IsPointer || type == typeof(long) || type == typeof(ulong) || type == typeof(nuint) || type == typeof(double) ? 8
        : type == typeof(int) || type == typeof(uint) ? 4
        : type == typeof(bool) || type == typeof(byte) ? 1
        : throw new InvalidOperationException($"A thread static of type {type} is not provided for.");

    private static nuint AddressOf(FieldInfo field)
    {
        var method = new DynamicMethod("AddressOf" + field.Name, typeof(nuint), [], field.Module, skipVisibility: true);
        ILGenerator il = method.GetILGenerator();
        il.Emit(OpCodes.Ldsflda, field);
        il.Emit(OpCodes.Conv_U);
        il.Emit(OpCodes.Ret);
        return method.CreateDelegate<Address>()();
    }
}

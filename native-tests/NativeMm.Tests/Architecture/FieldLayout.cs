using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace NativeMm.Tests.Architecture;

/// <summary>Where the runtime really put the fields of a structure, private ones among them.</summary>
internal static class FieldLayout
{
    private const BindingFlags AnyInstance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>Offset in bytes of each field, in the order of the offsets.</summary>
    public static IReadOnlyList<(string Field, int Offset)> Of<T>()
        where T : struct =>
        [.. typeof(T).GetFields(AnyInstance).Select(field => (Name(field), OffsetOf<T>(field))).OrderBy(entry => entry.Item2)];

    /// <summary>Offset in bytes of one field.</summary>
    public static int OffsetOf<T>(string field)
        where T : struct => Of<T>().Single(entry => entry.Field == field).Offset;

    private static string Name(FieldInfo field)
    {
        // <Address>k__BackingField is the property Address.
        int end = field.Name.IndexOf('>', StringComparison.Ordinal);
        return end < 0 ? field.Name : field.Name[1..end];
    }

    private static unsafe int OffsetOf<T>(FieldInfo field)
        where T : struct
    {
        var method = new DynamicMethod("OffsetOf", typeof(nint), [typeof(nint)], typeof(FieldLayout).Module, skipVisibility: true);
        ILGenerator code = method.GetILGenerator();
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Ldflda, field);
        code.Emit(OpCodes.Conv_U);
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Sub);
        code.Emit(OpCodes.Ret);
        byte* room = stackalloc byte[Unsafe.SizeOf<T>()];
        return (int)((nint)method.Invoke(null, [(nint)room])!);
    }
}

namespace NativeMm.Tests.Architecture;

/// <summary>Type names as C# writes them, always with their namespace.</summary>
internal static class TypeNames
{
    private static readonly Dictionary<Type, string> s_keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(char)] = "char",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(nint)] = "nint",
        [typeof(nuint)] = "nuint",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
    };

    public static string Full(Type type)
    {
        if (s_keywords.TryGetValue(type, out string? keyword))
        {
            return keyword;
        }

        if (type.IsByRef)
        {
            return Full(type.GetElementType()!);
        }

        if (type.IsPointer)
        {
            return Full(type.GetElementType()!) + "*";
        }

        if (type.IsArray)
        {
            return $"{Full(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return Full(underlying) + "?";
        }

        return type.IsGenericParameter ? type.Name : Named(type);
    }

    private static string Named(Type type)
    {
        Type[] arguments = type.GetGenericArguments();
        int inherited = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        string scope = type.DeclaringType is { } outer ? Full(outer) : type.Namespace ?? "";
        string name = type.Name.Split('`')[0];
        string own = string.Join(", ", arguments.Skip(inherited).Select(Full));
        return $"{scope}.{name}{(own.Length == 0 ? "" : $"<{own}>")}";
    }
}

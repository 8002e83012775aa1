using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace NativeMm.Tests.Architecture;

/// <summary>Writes the public surface of an assembly as text, sorted, one member a line. What a record has by itself is left out.</summary>
internal static class PublicApiText
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (Type type in assembly.GetExportedTypes().OrderBy(TypeNames.Full, StringComparer.Ordinal))
        {
            text.Append(Heading(type)).Append('\n');
            foreach (string member in type.GetMembers(Declared).Select(Member).OfType<string>().Order(StringComparer.Ordinal))
            {
                text.Append("    ").Append(member).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Heading(Type type)
    {
        string kind = type.IsEnum ? "enum"
            : type.IsInterface ? "interface"
            : typeof(Delegate).IsAssignableFrom(type) ? "delegate"
            : type.IsValueType ? "struct"
            : type.IsAbstract && type.IsSealed ? "static class"
            : type.IsAbstract ? "abstract class"
            : type.IsSealed ? "sealed class" : "class";
        kind = type.IsClass && type.GetMethod("<Clone>$") is not null ? kind.Replace("class", "record", StringComparison.Ordinal) : kind;
        IEnumerable<Type> parents = type.GetInterfaces().OrderBy(TypeNames.Full, StringComparer.Ordinal).Where(parent => parent.IsVisible);
        if (type.IsClass && type.BaseType is { } ancestor && ancestor != typeof(object))
        {
            parents = parents.Prepend(ancestor);
        }

        string list = string.Join(", ", parents.Select(TypeNames.Full));
        return $"{kind} {TypeNames.Full(type)}{(list.Length == 0 || type.IsEnum ? "" : " : " + list)}";
    }

    private static string? Member(MemberInfo member) => member switch
    {
        FieldInfo field when IsVisible(field) && !field.IsSpecialName =>
            $"{(field.IsLiteral ? "const " : field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}"
            + $"{TypeNames.Full(field.FieldType)} {field.Name}{(field.IsLiteral ? $" = {field.GetRawConstantValue()}" : "")}",
        PropertyInfo property when property.GetAccessors(nonPublic: true).Any(IsVisible) => Property(property),
        EventInfo entry when IsVisible(entry.AddMethod!) => $"event {TypeNames.Full(entry.EventHandlerType!)} {entry.Name}",
        ConstructorInfo constructor when IsVisible(constructor) && !constructor.IsStatic => $"new({Parameters(constructor)})",
        MethodInfo method when IsVisible(method) && !IsMadeByCompiler(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)) =>
            $"{Modifiers(method)}{TypeNames.Full(method.ReturnType)} {method.Name}{Generics(method)}({Parameters(method)})",
        _ => null,
    };

    private static string Property(PropertyInfo property)
    {
        MethodInfo[] accessors = [.. property.GetAccessors(nonPublic: true).Where(IsVisible)];
        string verbs = string.Join(' ', accessors.Select(Verb).Order(StringComparer.Ordinal));
        string index = string.Join(", ", property.GetIndexParameters().Select(parameter => TypeNames.Full(parameter.ParameterType)));
        return $"{Modifiers(accessors[0])}{TypeNames.Full(property.PropertyType)} {property.Name}{(index.Length == 0 ? "" : $"[{index}]")} {{ {verbs} }}";
    }

    private static string Verb(MethodInfo accessor)
    {
        bool init = accessor.ReturnParameter.GetRequiredCustomModifiers().Any(modifier => modifier.Name == "IsExternalInit");
        return (accessor.IsPublic ? "" : "protected ") + (accessor.Name.StartsWith("get_", StringComparison.Ordinal) ? "get;" : init ? "init;" : "set;");
    }

    private static string Modifiers(MethodInfo method) =>
        (method.IsPublic ? "" : "protected ")
        + (method.IsStatic ? "static " : "")
        + (method.DeclaringType!.IsInterface ? "" : method.IsAbstract ? "abstract " : IsOverride(method) ? "override " : method.IsVirtual && !method.IsFinal ? "virtual " : "");

    private static bool IsOverride(MethodInfo method) => method.GetBaseDefinition().DeclaringType != method.DeclaringType;

    /// <summary>What a record has without anybody writing it.</summary>
    private static bool IsMadeByCompiler(MethodInfo method) => method.IsDefined(typeof(CompilerGeneratedAttribute));

    private static string Generics(MethodInfo method) =>
        method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(TypeNames.Full))}>" : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
        (parameter.IsOut ? "out " : parameter.IsIn ? "in " : parameter.ParameterType.IsByRef ? "ref " : "")
        + TypeNames.Full(parameter.ParameterType) + " " + parameter.Name + (parameter.HasDefaultValue ? $" = {parameter.RawDefaultValue ?? "default"}" : "")));

    private static bool IsVisible(FieldInfo field) => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly;

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;
}

// What is packed of a documentation file: the members that whoever has the package can name. The compiler writes those of internals as well.
// Run by PackageDocuments.targets: dotnet run --file PublicDocuments.cs -- ASSEMBLY DOCUMENTS OUT
#:property PublishAot=false
using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using System.Xml.Linq;

if (args is not [string assembly, string documents, string output])
{
    Console.Error.WriteLine("PublicDocuments needs an assembly, its documentation file and a file to write.");
    return 2;
}

HashSet<string> visible = [];
using (var portable = new PEReader(File.OpenRead(assembly)))
{
    MetadataReader metadata = portable.GetMetadataReader();
    foreach (TypeDefinitionHandle handle in metadata.TypeDefinitions)
    {
        Visibility.AddNames(metadata, metadata.GetTypeDefinition(handle), visible);
    }
}

XDocument all = XDocument.Load(documents, LoadOptions.PreserveWhitespace);
XElement[] members = [.. all.Descendants("member")];
int kept = 0;
foreach (XElement member in members)
{
    if (visible.Contains(member.Attribute("name")!.Value))
    {
        kept++;
        continue;
    }

    if (member.PreviousNode is XText space)
    {
        space.Remove();
    }

    member.Remove();
}

Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(output))!);
all.Save(output, SaveOptions.DisableFormatting);
Console.WriteLine($"{Path.GetFileName(output)}: {kept} of {members.Length} members are public.");
return kept > 0 ? 0 : 1;

/// <summary>Which names of a type can be said from outside, as documentation files write them.</summary>
internal static class Visibility
{
    public static void AddNames(MetadataReader metadata, TypeDefinition type, HashSet<string> names)
    {
        if (!IsVisible(metadata, type))
        {
            return;
        }

        var types = new DocumentNames();
        string self = DocumentNames.Full(metadata, type);
        names.Add($"T:{self}");
        foreach (FieldDefinitionHandle handle in type.GetFields())
        {
            FieldDefinition field = metadata.GetFieldDefinition(handle);
            if (IsVisible(field.Attributes & FieldAttributes.FieldAccessMask))
            {
                names.Add($"F:{self}.{metadata.GetString(field.Name)}");
            }
        }

        foreach (MethodDefinitionHandle handle in type.GetMethods().Where(m => IsVisible(metadata, m)))
        {
            MethodDefinition method = metadata.GetMethodDefinition(handle);
            MethodSignature<string> signature = method.DecodeSignature(types, null);
            string name = metadata.GetString(method.Name);
            string arity = signature.GenericParameterCount > 0 ? $"``{signature.GenericParameterCount}" : string.Empty;
            string result = name is "op_Implicit" or "op_Explicit" ? $"~{signature.ReturnType}" : string.Empty;
            names.Add($"M:{self}.{name.Replace('.', '#')}{arity}{Parameters(signature)}{result}");
        }

        foreach (PropertyDefinitionHandle handle in type.GetProperties())
        {
            PropertyDefinition property = metadata.GetPropertyDefinition(handle);
            PropertyAccessors accessors = property.GetAccessors();
            if (IsVisible(metadata, accessors.Getter) || IsVisible(metadata, accessors.Setter))
            {
                names.Add($"P:{self}.{metadata.GetString(property.Name)}{Parameters(property.DecodeSignature(types, null))}");
            }
        }

        foreach (EventDefinitionHandle handle in type.GetEvents())
        {
            EventDefinition happened = metadata.GetEventDefinition(handle);
            if (IsVisible(metadata, happened.GetAccessors().Adder))
            {
                names.Add($"E:{self}.{metadata.GetString(happened.Name)}");
            }
        }
    }

    private static string Parameters(MethodSignature<string> signature) =>
        signature.ParameterTypes.Length > 0 ? $"({string.Join(',', signature.ParameterTypes)})" : string.Empty;

    private static bool IsVisible(MetadataReader metadata, TypeDefinition type) => (type.Attributes & TypeAttributes.VisibilityMask) switch
    {
        TypeAttributes.Public => true,
        TypeAttributes.NestedPublic or TypeAttributes.NestedFamily or TypeAttributes.NestedFamORAssem =>
            IsVisible(metadata, metadata.GetTypeDefinition(type.GetDeclaringType())),
        _ => false,
    };

    private static bool IsVisible(FieldAttributes access) => access is FieldAttributes.Public or FieldAttributes.Family or FieldAttributes.FamORAssem;

    private static bool IsVisible(MetadataReader metadata, MethodDefinitionHandle handle) => !handle.IsNil
        && (metadata.GetMethodDefinition(handle).Attributes & MethodAttributes.MemberAccessMask)
            is MethodAttributes.Public or MethodAttributes.Family or MethodAttributes.FamORAssem;
}

/// <summary>Types as documentation files write them.</summary>
internal sealed class DocumentNames : ISignatureTypeProvider<string, object?>
{
    public static string Full(MetadataReader metadata, TypeDefinition type)
    {
        string name = metadata.GetString(type.Name);
        return type.GetDeclaringType() is { IsNil: false } outer
            ? $"{Full(metadata, metadata.GetTypeDefinition(outer))}.{name}"
            : Qualified(metadata.GetString(type.Namespace), name);
    }

    public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => Full(reader, reader.GetTypeDefinition(handle));

    public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind)
    {
        TypeReference type = reader.GetTypeReference(handle);
        string name = reader.GetString(type.Name);
        return type.ResolutionScope.Kind == HandleKind.TypeReference
            ? $"{GetTypeFromReference(reader, (TypeReferenceHandle)type.ResolutionScope, rawTypeKind)}.{name}"
            : Qualified(reader.GetString(type.Namespace), name);
    }

    public string GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
        reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

    // Arguments stand where their type's name says how many it has: Outer`1.Inner`2 of A, B and C is Outer{A}.Inner{B,C}.
    public string GetGenericInstantiation(string genericType, ImmutableArray<string> typeArguments)
    {
        var text = new StringBuilder();
        int used = 0;
        string[] parts = genericType.Split('.');
        for (int i = 0; i < parts.Length; i++)
        {
            string[] named = parts[i].Split('`');
            text.Append(i > 0 ? "." : string.Empty).Append(named[0]);
            if (named.Length == 2)
            {
                int count = int.Parse(named[1], System.Globalization.CultureInfo.InvariantCulture);
                text.Append('{').AppendJoin(',', typeArguments.Skip(used).Take(count)).Append('}');
                used += count;
            }
        }

        return text.ToString();
    }

    public string GetPrimitiveType(PrimitiveTypeCode typeCode) => $"System.{typeCode}";

    public string GetArrayType(string elementType, ArrayShape shape) => $"{elementType}[{string.Join(',', Enumerable.Repeat("0:", shape.Rank))}]";

    public string GetSZArrayType(string elementType) => $"{elementType}[]";

    public string GetByReferenceType(string elementType) => $"{elementType}@";

    public string GetPointerType(string elementType) => $"{elementType}*";

    public string GetPinnedType(string elementType) => elementType;

    public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) => unmodifiedType;

    public string GetGenericTypeParameter(object? genericContext, int index) => $"`{index}";

    public string GetGenericMethodParameter(object? genericContext, int index) => $"``{index}";

    public string GetFunctionPointerType(MethodSignature<string> signature) => $"=FUNC:{signature.ReturnType}({string.Join(',', signature.ParameterTypes)})";

    private static string Qualified(string space, string name) => space.Length > 0 ? $"{space}.{name}" : name;
}

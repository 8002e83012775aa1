using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using NativeMm.Tests.Support;

namespace NativeMm.Tests.Architecture;

/// <summary>The methods, constructors and operators that the sources of a package show to everybody.</summary>
internal static class PublicMethodSyntax
{
    public static IEnumerable<BaseMethodDeclarationSyntax> Of(string package) =>
        Directory.EnumerateFiles(RepositoryRoot.Combine("src", package), "*.cs", SearchOption.AllDirectories)
            .Where(path => !Path.GetRelativePath(RepositoryRoot.Path, path).Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"))
            .SelectMany(path => In(File.ReadAllText(path)));

    public static IEnumerable<BaseMethodDeclarationSyntax> In(string text) => CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Preview))
        .GetRoot().DescendantNodes().OfType<BaseMethodDeclarationSyntax>()
        .Where(method => method.AncestorsAndSelf().OfType<MemberDeclarationSyntax>()
            .Where(member => member is BaseMethodDeclarationSyntax or BaseTypeDeclarationSyntax).All(IsShown));

    /// <summary><c>Type.Method</c>, for a complaint.</summary>
    public static string NameOf(BaseMethodDeclarationSyntax method)
    {
        string type = ((BaseTypeDeclarationSyntax)method.Parent!).Identifier.Text;
        return $"{type}.{(method as MethodDeclarationSyntax)?.Identifier.Text ?? type}";
    }

    // What an interface has is public without a word of it.
    private static bool IsShown(MemberDeclarationSyntax member) => member.Modifiers.Any(SyntaxKind.PublicKeyword)
        || (member is MethodDeclarationSyntax { Parent: InterfaceDeclarationSyntax, ExplicitInterfaceSpecifier: null } && !member.Modifiers.Any(SyntaxKind.PrivateKeyword));

    public static string DocumentOf(BaseMethodDeclarationSyntax method) => method.GetLeadingTrivia().ToFullString();

    /// <summary>Whether the document is that of an ancestor.</summary>
    public static bool IsInherited(string document) => document.Contains("<inheritdoc", StringComparison.Ordinal);
}

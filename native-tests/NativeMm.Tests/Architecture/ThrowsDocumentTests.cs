using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Architecture;

/// <summary>What a public method throws by its own hand is in its XML documentation, of both packages.</summary>
public sealed class ThrowsDocumentTests
{
    private const string ThrowIf = "ThrowIf";

    [Theory]
    [InlineData("NativeMm", 300)]
    [InlineData("NativeMm.Extensions", 50)]
    public void Every_exception_that_a_public_method_throws_is_documented(string package, int methodsAtLeast)
    {
        BaseMethodDeclarationSyntax[] methods =
        [
            .. Directory.EnumerateFiles(RepositoryRoot.Combine("src", package), "*.cs", SearchOption.AllDirectories)
                .Where(path => !Path.GetRelativePath(RepositoryRoot.Path, path).Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"))
                .SelectMany(path => PublicMethods(File.ReadAllText(path))),
        ];
        Assert.InRange(methods.Length, methodsAtLeast, 100_000);
        Assert.Empty(methods.SelectMany(Complaints));
    }

    [Theory]
    [InlineData("public class A { /// <summary>X.</summary>\npublic void B(object c) { ArgumentNullException.ThrowIfNull(c); } }", "A.B: ArgumentNullException")]
    [InlineData("public class A { /// <summary>X.</summary>\npublic A(int c) => _c = c > 0 ? c : throw new FormatException(); }", "A.A: FormatException")]
    public void Control_that_is_silent_is_caught(string text, string complaint) => Assert.Equal([complaint], PublicMethods(text).SelectMany(Complaints));

    [Theory]
    [InlineData("public class A { /// <exception cref=\"ArgumentNullException\">X.</exception>\npublic void B(object c) { ArgumentNullException.ThrowIfNull(c); } }")]
    [InlineData("public class A { /// <inheritdoc/>\npublic void B(object c) { ArgumentNullException.ThrowIfNull(c); } }")]
    [InlineData("class A { /// <summary>X.</summary>\npublic void B(object c) { ArgumentNullException.ThrowIfNull(c); } }")]
    [InlineData("public class A { private class C { public void B(object c) { ArgumentNullException.ThrowIfNull(c); } } }")]
    [InlineData("public class A { /// <summary>X.</summary>\npublic void B() { _heap.ThrowIfDisposed(); } }")]
    public void What_is_said_or_nobody_sees_is_fine(string text) => Assert.Empty(PublicMethods(text).SelectMany(Complaints));

    private static IEnumerable<BaseMethodDeclarationSyntax> PublicMethods(string text) => CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Preview))
        .GetRoot().DescendantNodes().OfType<BaseMethodDeclarationSyntax>()
        .Where(method => method.AncestorsAndSelf().OfType<MemberDeclarationSyntax>()
            .Where(member => member is BaseMethodDeclarationSyntax or BaseTypeDeclarationSyntax).All(member => member.Modifiers.Any(SyntaxKind.PublicKeyword)));

    private static IEnumerable<string> Complaints(BaseMethodDeclarationSyntax method)
    {
        string said = method.GetLeadingTrivia().ToFullString();
        if (said.Contains("<inheritdoc", StringComparison.Ordinal))
        {
            return [];
        }

        string type = ((BaseTypeDeclarationSyntax)method.Parent!).Identifier.Text;
        string name = (method as MethodDeclarationSyntax)?.Identifier.Text ?? type;
        return Thrown(method).Distinct().Where(exception => !said.Contains(exception, StringComparison.Ordinal)).Select(exception => $"{type}.{name}: {exception}");
    }

    private static IEnumerable<string> Thrown(BaseMethodDeclarationSyntax method) => method.DescendantNodes().Select(node => node switch
    {
        ObjectCreationExpressionSyntax { Parent: ThrowStatementSyntax or ThrowExpressionSyntax } made => made.Type.ToString(),

        // Of an exception's own type; what a field of another type throws is its own matter.
        MemberAccessExpressionSyntax { Name.Identifier.Text: var name, Expression: IdentifierNameSyntax { Identifier.Text: var type } }
            when name.StartsWith(ThrowIf, StringComparison.Ordinal) && type.EndsWith(nameof(Exception), StringComparison.Ordinal) => type,
        _ => null,
    }).OfType<string>();
}

using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
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
        BaseMethodDeclarationSyntax[] methods = [.. PublicMethodSyntax.Of(package)];
        Assert.InRange(methods.Length, methodsAtLeast, 100_000);
        Assert.Empty(methods.SelectMany(Complaints));
    }

    [Theory]
    [InlineData("public class A { /// <summary>X.</summary>\npublic void B(object c) { ArgumentNullException.ThrowIfNull(c); } }", "A.B: ArgumentNullException")]
    [InlineData("public class A { /// <summary>X.</summary>\npublic A(int c) => _c = c > 0 ? c : throw new FormatException(); }", "A.A: FormatException")]
    public void Control_that_is_silent_is_caught(string text, string complaint) => Assert.Equal([complaint], PublicMethodSyntax.In(text).SelectMany(Complaints));

    [Theory]
    [InlineData("public class A { /// <exception cref=\"ArgumentNullException\">X.</exception>\npublic void B(object c) { ArgumentNullException.ThrowIfNull(c); } }")]
    [InlineData("public class A { /// <inheritdoc/>\npublic void B(object c) { ArgumentNullException.ThrowIfNull(c); } }")]
    [InlineData("class A { /// <summary>X.</summary>\npublic void B(object c) { ArgumentNullException.ThrowIfNull(c); } }")]
    [InlineData("public class A { private class C { public void B(object c) { ArgumentNullException.ThrowIfNull(c); } } }")]
    [InlineData("public class A { /// <summary>X.</summary>\npublic void B() { _heap.ThrowIfDisposed(); } }")]
    public void What_is_said_or_nobody_sees_is_fine(string text) => Assert.Empty(PublicMethodSyntax.In(text).SelectMany(Complaints));

    private static IEnumerable<string> Complaints(BaseMethodDeclarationSyntax method)
    {
        string document = PublicMethodSyntax.DocumentOf(method);
        return PublicMethodSyntax.IsInherited(document) ? []
            : Thrown(method).Distinct().Where(exception => !document.Contains(exception, StringComparison.Ordinal))
                .Select(exception => $"{PublicMethodSyntax.NameOf(method)}: {exception}");
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

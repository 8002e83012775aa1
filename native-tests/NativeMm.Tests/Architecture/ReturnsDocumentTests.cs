using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace NativeMm.Tests.Architecture;

/// <summary>What a public method returns is in its XML documentation, of both packages: what 0, null or an empty one means, and who owns it. Operators speak for themselves.</summary>
public sealed class ReturnsDocumentTests
{
    [Theory]
    [InlineData("NativeMm", 200)]
    [InlineData("NativeMm.Extensions", 40)]
    public void Every_value_that_a_public_method_returns_is_documented(string package, int methodsAtLeast)
    {
        MethodDeclarationSyntax[] methods = [.. PublicMethodSyntax.Of(package).OfType<MethodDeclarationSyntax>().Where(ReturnsValue)];
        Assert.InRange(methods.Length, methodsAtLeast, 100_000);
        Assert.Empty(methods.SelectMany(Complaints));
    }

    [Theory]
    [InlineData("public class A { /// <summary>X.</summary>\npublic int B() => 1; }", "A.B")]
    [InlineData("public class A { /// <summary>X.</summary>\n/// <returns></returns>\npublic int B() => 1; }", "A.B")]
    [InlineData("public class A { /// <summary>X.</summary>\npublic static unsafe void* B() => null; }", "A.B")]
    [InlineData("public interface A { /// <summary>X.</summary>\nint B(); }", "A.B")]
    public void Control_that_is_silent_is_caught(string text, string complaint) =>
        Assert.Equal([complaint], PublicMethodSyntax.In(text).OfType<MethodDeclarationSyntax>().Where(ReturnsValue).SelectMany(Complaints));

    [Theory]
    [InlineData("public class A { /// <summary>X.</summary>\n/// <returns>X.</returns>\npublic int B() => 1; }")]
    [InlineData("public class A { /// <inheritdoc/>\npublic int B() => 1; }")]
    [InlineData("public class A { /// <summary>X.</summary>\npublic void B() { } }")]
    [InlineData("public class A { /// <summary>X.</summary>\ninternal int B() => 1; }")]
    [InlineData("interface A { /// <summary>X.</summary>\nint B(); }")]
    [InlineData("public class A { /// <summary>X.</summary>\npublic static bool operator !(A c) => true; }")]
    public void What_is_said_or_nobody_sees_is_fine(string text) =>
        Assert.Empty(PublicMethodSyntax.In(text).OfType<MethodDeclarationSyntax>().Where(ReturnsValue).SelectMany(Complaints));

    private static bool ReturnsValue(MethodDeclarationSyntax method) => method.ReturnType is not PredefinedTypeSyntax { Keyword.RawKind: (int)SyntaxKind.VoidKeyword };

    private static IEnumerable<string> Complaints(MethodDeclarationSyntax method)
    {
        string document = PublicMethodSyntax.DocumentOf(method);
        int at = document.IndexOf("<returns>", StringComparison.Ordinal);
        bool isSaid = at >= 0 && document.IndexOf("</returns>", at, StringComparison.Ordinal) > at + "<returns>".Length;
        return isSaid || PublicMethodSyntax.IsInherited(document) ? [] : [PublicMethodSyntax.NameOf(method)];
    }
}

using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace NativeMm.Tests.Architecture;

/// <summary>Each parameter of a public method is in its XML documentation, of both packages: an editor shows nothing else. Operators speak for themselves.</summary>
public sealed class ParameterDocumentTests
{
    [Theory]
    [InlineData("NativeMm", 300)]
    [InlineData("NativeMm.Extensions", 50)]
    public void Every_parameter_of_a_public_method_is_documented(string package, int methodsAtLeast)
    {
        BaseMethodDeclarationSyntax[] methods = [.. PublicMethodSyntax.Of(package)];
        Assert.InRange(methods.Length, methodsAtLeast, 100_000);
        Assert.Empty(methods.SelectMany(Complaints));
    }

    [Theory]
    [InlineData("public class A { /// <summary>X.</summary>\npublic void B(object c, int d) { } }", "A.B: c", "A.B: d")]
    [InlineData("public class A { /// <summary>X.</summary>\n/// <param name=\"c\">X.</param>\npublic A(int c, int d) { } }", "A.A: d")]
    public void Control_that_is_silent_is_caught(string text, params string[] complaints) =>
        Assert.Equal(complaints, PublicMethodSyntax.In(text).SelectMany(Complaints));

    [Theory]
    [InlineData("public class A { /// <summary>X.</summary>\n/// <param name=\"c\">X.</param>\npublic int B(object c) => 1; }")]
    [InlineData("public class A { /// <inheritdoc/>\npublic int B(object c) => 1; }")]
    [InlineData("public class A { /// <summary>X.</summary>\npublic static bool operator !(A c) => true; }")]
    [InlineData("class A { /// <summary>X.</summary>\npublic int B(object c) => 1; }")]
    public void What_is_said_or_nobody_sees_is_fine(string text) => Assert.Empty(PublicMethodSyntax.In(text).SelectMany(Complaints));

    private static IEnumerable<string> Complaints(BaseMethodDeclarationSyntax method)
    {
        string document = PublicMethodSyntax.DocumentOf(method);
        return method is OperatorDeclarationSyntax || PublicMethodSyntax.IsInherited(document) ? []
            : method.ParameterList.Parameters.Select(parameter => parameter.Identifier.Text.TrimStart('@'))
                .Where(name => !document.Contains($"<param name=\"{name}\">", StringComparison.Ordinal))
                .Select(name => $"{PublicMethodSyntax.NameOf(method)}: {name}");
    }
}

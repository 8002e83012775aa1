using System.Text.RegularExpressions;
using NativeMm.Tests.Architecture;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Extensions.Tests.Architecture;

/// <summary>The package asks the core for what only the core's folders may do: the system's calls, memory order, locks that cannot be interrupted.</summary>
public sealed partial class FolderRuleTests
{
    private const int LinesMax = 400;

    [Fact]
    public void Only_the_core_calls_the_system_and_orders_memory()
    {
        Assert.NotEmpty(Sources());
        Assert.Empty(Sources().Where(file => Forbidden().IsMatch(file.Code)).Select(file => file.Path));
    }

    [Fact]
    public void No_file_is_too_long() => Assert.Empty(Sources().Where(file => file.Code.Split('\n').Length > LinesMax).Select(file => file.Path));

    [Theory]
    [InlineData("[LibraryImport(\"libc\")]")]
    [InlineData("Interlocked.Increment(ref x);")]
    [InlineData("Volatile.Read(ref x);")]
    [InlineData("lock (x)")]
    [InlineData("Thread.Sleep(1);")]
    public void Control_is_caught(string text) => Assert.Matches(Forbidden(), CSharpText.WithoutCommentsAndLiterals(text));

    private static IEnumerable<(string Path, string Code)> Sources()
    {
        string root = RepositoryRoot.Combine("src", "NativeMm.Extensions");
        return Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Select(file => (Path: Path.GetRelativePath(root, file), File: file))
            .Where(entry => entry.Path.Split(Path.DirectorySeparatorChar)[0] is not ("bin" or "obj"))
            .Select(entry => (entry.Path, CSharpText.WithoutCommentsAndLiterals(File.ReadAllText(entry.File))));
    }

    [GeneratedRegex(@"\b(LibraryImport|DllImport)\b|\bNativeLibrary\s*\.|\b(Volatile|Interlocked)\s*\.|\block\s*\(|\bMonitor\s*\.|\bThread\s*\.\s*Sleep\b")]
    private static partial Regex Forbidden();
}

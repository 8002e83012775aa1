using System.Text.RegularExpressions;
using Xunit;

namespace NativeMm.Tests.Architecture;

/// <summary>What only one folder may do.</summary>
public sealed partial class FolderRuleTests
{
    [Fact]
    public void OnlyPrimitivesTouchesMemoryOrder() => AssertOnlyIn("Primitives", MemoryOrder());

    [Fact]
    public void OnlyPlatformCallsTheSystem() => AssertOnlyIn("Platform", SystemCall());

    [Theory]
    [InlineData("x = Volatile.Read(ref y);")]
    [InlineData("System.Threading.Interlocked.Increment(ref y);")]
    [InlineData("private volatile int _x;")]
    [InlineData("Thread.MemoryBarrier();")]
    public void ControlThatOrdersMemoryIsCaught(string text) => Assert.Matches(MemoryOrder(), CSharpText.WithoutCommentsAndLiterals(text));

    [Theory]
    [InlineData("[LibraryImport(\"libc\")]")]
    [InlineData("[DllImport(\"libc\")]")]
    [InlineData("NativeLibrary.Load(x);")]
    [InlineData("delegate* unmanaged<int, void> f;")]
    public void ControlThatCallsTheSystemIsCaught(string text) => Assert.Matches(SystemCall(), CSharpText.WithoutCommentsAndLiterals(text));

    private static void AssertOnlyIn(string folder, Regex what)
    {
        Assert.Contains(SourceFile.All, file => file.Folder == folder && what.IsMatch(file.Code));
        Assert.Empty(SourceFile.All.Where(file => file.Folder != folder && what.IsMatch(file.Code)).Select(file => file.Path));
    }

    [GeneratedRegex(@"\b(Volatile|Interlocked)\s*\.|\bvolatile\s|\bThread\s*\.\s*(MemoryBarrier|Volatile)")]
    private static partial Regex MemoryOrder();

    [GeneratedRegex(@"\b(LibraryImport|DllImport)\b|\bNativeLibrary\s*\.|\bdelegate\s*\*\s*unmanaged")]
    private static partial Regex SystemCall();
}

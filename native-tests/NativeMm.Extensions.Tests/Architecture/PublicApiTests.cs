using NativeMm.Buffers;
using NativeMm.Tests.Architecture;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Extensions.Tests.Architecture;

/// <summary>
/// The public surface changes only on purpose: with the variable NATIVEMM_UPDATE_PUBLIC_API=1 the test writes the file anew, and the difference is
/// reviewed like code.
/// </summary>
public sealed class PublicApiTests
{
    private const string UpdateVariable = "NATIVEMM_UPDATE_PUBLIC_API";
    private static readonly string s_file = RepositoryRoot.Combine("native-tests", "NativeMm.Extensions.Tests", "Architecture", "PublicApi.txt");

    [Fact]
    public void Public_surface_is_the_committed_one()
    {
        string actual = PublicApiText.Describe(typeof(NativeBufferPool).Assembly);
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1")
        {
            File.WriteAllText(s_file, actual);
        }

        string committed = File.Exists(s_file) ? File.ReadAllText(s_file).ReplaceLineEndings("\n") : "";
        string[] added = [.. actual.Split('\n').Except(committed.Split('\n'))];
        string[] removed = [.. committed.Split('\n').Except(actual.Split('\n'))];
        Assert.True(
            actual == committed,
            $"The public surface changed. If that is meant, run this test with {UpdateVariable}=1 and commit PublicApi.txt.\n"
            + $"Added:\n{string.Join('\n', added)}\nRemoved:\n{string.Join('\n', removed)}");
    }
}

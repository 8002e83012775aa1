using NativeMm.Lab.Harness;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>The lab away from its repository, and away from the shell that it was started in.</summary>
public sealed class PublishedLabTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("nativemm-lab-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Files_are_found_in_the_repository_first_then_beside_the_lab_or_not_at_all()
    {
        string root = Path.Combine(_folder, "root");
        string lab = Path.Combine(_folder, "lab");
        Assert.Null(RepositoryFolders.Shipped(null, lab, "traces", "a.gz"));
        Assert.Null(RepositoryFolders.Shipped(root, lab, "traces", "a.gz"));
        string beside = Touch(lab, "traces", "a.gz");
        Assert.Equal(beside, RepositoryFolders.Shipped(null, lab, "traces", "a.gz"));
        Assert.Equal(beside, RepositoryFolders.Shipped(root, lab, "traces", "a.gz"));
        string inRepository = Touch(root, "bench", "traces", "a.gz");
        Assert.Equal(inRepository, RepositoryFolders.Shipped(root, lab, "traces", "a.gz"));
    }

    [Fact]
    public void A_child_has_only_what_its_variant_says_of_the_librarys_variables()
    {
        var child = new Dictionary<string, string?>
        {
            ["PATH"] = "/bin",
            ["LD_PRELOAD"] = "x.so",
            ["NATIVEMM_CHECKED"] = "0",
            ["NATIVEMM_CHECKED_STACKS"] = "1",
            ["NATIVEMM_SAMPLED"] = "1",
        };
        ChildProcess.SetEnvironment(child, new Dictionary<string, string> { ["NATIVEMM_CHECKED"] = "1" });
        Assert.Equal(["DOTNET_TC_CallCountingDelayMs=0", "NATIVEMM_CHECKED=1", "PATH=/bin"], child.Select(pair => $"{pair.Key}={pair.Value}").Order());
    }

    private static string Touch(params string[] path)
    {
        string file = Path.Combine(path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, "");
        return file;
    }
}

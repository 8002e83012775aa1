using NativeMm.Lab.Commands;
using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Traces;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>Files that the lab writes at its end, when there is no room for them any more.</summary>
public sealed class WholeFileTests : IDisposable
{
    private static readonly RunOutcome s_outcome = new([Samples.Row(Samples.Heap("nativemm"), 5)], new Dictionary<Case, string>(), [], TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("nativemm-whole-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "file");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_file_is_there_when_it_is_whole_and_what_was_there_stays_until_then(bool wasThere)
    {
        if (wasThere)
        {
            File.WriteAllText(Path, "before");
        }

        using (var given = new WholeFile(Path))
        {
            given.Stream.Write("half"u8);
        }

        Assert.Equal(wasThere ? [Path] : [], Directory.GetFileSystemEntries(_folder));
        Assert.Equal(wasThere ? "before" : null, wasThere ? File.ReadAllText(Path) : null);

        WholeFile.WriteText(Path, "after");

        Assert.Equal("after", File.ReadAllText(Path));
        Assert.Equal([Path], Directory.GetFileSystemEntries(_folder));
    }

    [LinuxFact]
    public void Devices_and_links_are_written_where_they_are()
    {
        string kept = System.IO.Path.Combine(_folder, "kept");
        File.WriteAllText(kept, "before");
        File.CreateSymbolicLink(Path, kept);
        WholeFile.WriteText(Path, "after");
        Assert.Equal((kept, "after"), (new FileInfo(Path).LinkTarget, File.ReadAllText(kept)));

        WholeFile.WriteText("/dev/null", "nothing");
        Assert.False(File.Exists($"/dev/null.{Environment.ProcessId}.part"));
        Assert.Equal(0, new FileInfo("/dev/null").Length);
    }

    [LinuxFact]
    public void A_file_that_cannot_be_written_is_complained_of_and_the_others_are_there()
    {
        using var complaints = new StringWriter();
        var files = new ReportFiles("/dev/full", Path);
        files.CheckWritable();
        Assert.Equal([], Directory.GetFileSystemEntries(_folder));

        Assert.False(files.Write(s_outcome, [], complaints));

        Assert.StartsWith("Cannot write /dev/full: ", complaints.ToString(), StringComparison.Ordinal);
        Assert.Contains("NativeMm lab", File.ReadAllText(Path), StringComparison.Ordinal);
        Assert.True(new ReportFiles(null, Path).Write(s_outcome, [], complaints));
    }

    [Fact]
    public void A_trace_that_does_not_become_whole_leaves_what_was_there()
    {
        File.WriteAllText(Path, "before");
        using (var writer = new TraceWriter(Path))
        {
            writer.Add(new TraceRecord(TraceOperation.Allocate, 0, 0, 0, 16));
        }

        Assert.Equal("before", File.ReadAllText(Path));
        using (var writer = new TraceWriter(Path))
        {
            writer.Add(new TraceRecord(TraceOperation.Allocate, 0, 0, 0, 16));
            writer.Complete(1, 1);
        }

        Assert.Single(TraceReader.ReadFile(Path).Records);
        Assert.Equal([Path], Directory.GetFileSystemEntries(_folder));
    }
}

using System.Buffers;
using NativeMm.Lab.Recording;
using NativeMm.Lab.Traces;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>Whole recordings, of programs that are everywhere and of this process's own array pools.</summary>
public sealed class RecordTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly string _folder = Directory.CreateTempSubdirectory("nativemm-record-").FullName;
    private readonly List<string> _said = [];

    private string Out => Path.Combine(_folder, "a folder", "some.nmtrace.gz");

    [Fact]
    public void A_program_is_recorded_to_its_end()
    {
        Assert.True(ProgramRecorder.Record(["sort", "/etc/passwd", "--output=/dev/null"], Target(), _said.Add));

        Trace trace = TraceReader.ReadFile(Out);
        Assert.Contains(trace.Records, r => r.Operation == TraceOperation.Allocate);
        Assert.Contains(trace.Records, r => r.Operation == TraceOperation.Free);
        Assert.Contains(_said, s => s.Contains("sort ended with code 0", StringComparison.Ordinal));
        Assert.Contains(_said, s => s.Contains("run trace --set trace=", StringComparison.Ordinal));
        Assert.Equal(Out, Assert.Single(Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(Out)!)));
    }

    [Fact]
    public void The_program_that_a_process_becomes_is_recorded_and_its_children_are_not()
    {
        Assert.True(ProgramRecorder.Record(
            ["sh", "-c", "sort /etc/passwd > /dev/null; sort /etc/passwd > /dev/null; exec sort /etc/passwd --output=/dev/null"], Target(), _said.Add));

        TraceReader.ReadFile(Out);
        Assert.Contains(_said, s => s.StartsWith("2 programs", StringComparison.Ordinal));
    }

    [Fact]
    public void A_program_that_a_process_becomes_begins_anew_even_when_the_recording_was_full()
    {
        string[] command = ["sh", "-c", "exec sort /etc/passwd --output=/dev/null"];
        Assert.True(ProgramRecorder.Record(command, Target(), _said.Add));
        TraceRecord[] whole = TraceReader.ReadFile(Out).Records;

        // So few that the first program alone fills them.
        const int Few = 8;
        Assert.True(ProgramRecorder.Record(command, Target() with { RecordsMax = Few }, _said.Add));
        Assert.Equal(whole.Take(Few), TraceReader.ReadFile(Out).Records);
    }

    [Fact]
    public void A_full_recording_says_so_and_the_program_goes_on()
    {
        Assert.True(ProgramRecorder.Record(["sort", "/etc/passwd", "--output=/dev/null"], Target() with { RecordsMax = 5 }, _said.Add));
        Assert.Equal(5, TraceReader.ReadFile(Out).Records.Length);
        Assert.Contains(_said, s => s.Contains("The trace is full", StringComparison.Ordinal));
    }

    [Fact]
    public void A_program_that_does_not_end_is_stopped_when_the_time_is_over()
    {
        ProgramRecorder.Record(["sh", "-c", "read x < /dev/zero"], Target() with { Patience = TimeSpan.FromMilliseconds(100) }, _said.Add);
        Assert.Contains(_said, s => s.Contains("ended with code 137", StringComparison.Ordinal));
    }

    [Fact]
    public void A_program_that_is_not_there_is_a_mistake_of_the_user()
    {
        NativeMm.Lab.LabUsageException mistake = Assert.Throws<NativeMm.Lab.LabUsageException>(
            () => ProgramRecorder.Record(["/no/such/program"], Target(), _said.Add));
        Assert.Contains("Cannot run /no/such/program", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Array_pools_of_a_running_program_are_recorded_until_it_is_told_to_end()
    {
        using var stop = new CancellationTokenSource();
        using var rented = new CancellationTokenSource();
        var renting = new Thread(() =>
        {
            while (!rented.IsCancellationRequested)
            {
                ArrayPool<byte>.Shared.Return(ArrayPool<byte>.Shared.Rent(3000));
                Thread.Yield();
            }
        });
        renting.Start();
        Task<bool> recording = Task.Run(() => ArrayPoolRecorder.Record(Environment.ProcessId, Target() with { RecordsMax = 20_000 }, _said.Add, stop.Token));
        try
        {
            stop.CancelAfter(s_patience / 2);
            Assert.True(await recording.WaitAsync(s_patience));
        }
        finally
        {
            await rented.CancelAsync();
            renting.Join();
        }

        Trace trace = TraceReader.ReadFile(Out);
        Assert.Contains(trace.Records, r => r.Operation == TraceOperation.Allocate && r.Size == 4096);
        Assert.Contains(trace.Records, r => r.Operation == TraceOperation.Free);
    }

    [Fact]
    public void A_library_in_a_folder_with_a_space_or_a_colon_is_preloaded_by_another_name()
    {
        foreach (string name in (string[])["a folder", "a:folder"])
        {
            string library = Path.Combine(_folder, name, "library.so");
            Directory.CreateDirectory(Path.GetDirectoryName(library)!);
            File.WriteAllText(library, name);
            string preloaded;
            using (var given = new PreloadedLibrary(library))
            {
                preloaded = given.Path;
                Assert.DoesNotContain(' ', preloaded);
                Assert.DoesNotContain(':', preloaded);
                Assert.Equal(name, File.ReadAllText(preloaded));
            }

            Assert.False(File.Exists(preloaded));
            Assert.True(File.Exists(library));
        }

        using var plain = new PreloadedLibrary("/lib/library.so");
        Assert.Equal("/lib/library.so", plain.Path);
    }

    [Fact]
    public void What_is_said_can_be_pasted_and_one_is_one()
    {
        using var writer = new TraceWriter(Path.Combine(_folder, "it's.gz"));
        var builder = new TraceBuilder(writer);
        builder.Allocate(TraceOperation.Allocate, 7, 0, 1, 100);
        string said = new RecordTarget("/a folder/it's.gz", 10, null).Describe(builder, 1);
        Assert.StartsWith("1 record, 1 object, 1 thread, ", said, StringComparison.Ordinal);
        Assert.EndsWith(@"--set trace='/a folder/it'\''s.gz'", said, StringComparison.Ordinal);
        Assert.EndsWith("--set trace=/a/b.gz", new RecordTarget("/a/b.gz", 10, null).Describe(builder, 1), StringComparison.Ordinal);
    }

    [Fact]
    public void A_process_that_is_not_there_is_a_mistake_of_the_user()
    {
        NativeMm.Lab.LabUsageException mistake = Assert.Throws<NativeMm.Lab.LabUsageException>(
            () => ArrayPoolRecorder.Record(int.MaxValue, Target(), _said.Add));
        Assert.Contains("cannot be listened to", mistake.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private RecordTarget Target() => new(Out, 100_000, null);
}

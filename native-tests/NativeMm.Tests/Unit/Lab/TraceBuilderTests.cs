using NativeMm.Lab.Recording;
using NativeMm.Lab.Traces;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>What was recorded becomes a trace that can be replayed, whatever the program did while nobody looked.</summary>
public sealed class TraceBuilderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("nativemm-trace-").FullName;

    [Fact]
    public void Objects_keep_their_number_over_a_reallocation_and_lose_it_with_the_free()
    {
        Trace trace = Build(
            new(RecordedOperation.Allocate, 0, 7, 0x1000, 16),
            new(RecordedOperation.ReallocateBegin, 0, 9, 0x1000, 64),
            new(RecordedOperation.ReallocateEnd, 0, 9, 0x2000, 64),
            new(RecordedOperation.AllocateZeroed, 0, 7, 0x1000, 8),
            new(RecordedOperation.Release, 0, 9, 0x2000, 0),
            new(RecordedOperation.Allocate, 6, 7, 0x2000, 128));

        Assert.Equal(
        [
            (TraceOperation.Allocate, 0u, 0, 16ul, 0),
            (TraceOperation.Reallocate, 0u, 1, 64ul, 0),
            (TraceOperation.AllocateZeroed, 1u, 0, 8ul, 0),
            (TraceOperation.Free, 0u, 1, 0ul, 0),
            (TraceOperation.Allocate, 2u, 0, 128ul, 6),
        ],
        trace.Records.Select(r => (r.Operation, r.Object, (int)r.Thread, r.Size, (int)r.AlignmentLog2)));
        Assert.Equal(3, trace.ObjectCount);
        Assert.Equal(2, trace.ThreadCount);
    }

    [Fact]
    public void Between_the_halves_of_a_reallocation_the_old_address_may_be_anothers()
    {
        Trace trace = Build(
            new(RecordedOperation.Allocate, 0, 0, 0x1000, 16),
            new(RecordedOperation.ReallocateBegin, 0, 0, 0x1000, 64),
            new(RecordedOperation.Allocate, 0, 1, 0x1000, 24),
            new(RecordedOperation.ReallocateEnd, 0, 0, 0x3000, 64),
            new(RecordedOperation.Release, 0, 1, 0x1000, 0),
            new(RecordedOperation.Release, 0, 0, 0x3000, 0));

        Assert.Equal([0u, 1u, 0u, 1u, 0u], trace.Records.Select(r => r.Object));
    }

    [Fact]
    public void A_refused_reallocation_leaves_the_block_as_it_was()
    {
        Trace trace = Build(
            new(RecordedOperation.Allocate, 0, 0, 0x1000, 16),
            new(RecordedOperation.ReallocateBegin, 0, 0, 0x1000, 1UL << 60),
            new(RecordedOperation.ReallocateEnd, 0, 0, 0, 1UL << 60),
            new(RecordedOperation.Release, 0, 0, 0x1000, 0));

        Assert.Equal([TraceOperation.Allocate, TraceOperation.Free], trace.Records.Select(r => r.Operation));
    }

    [Fact]
    public void What_began_before_the_recording_is_left_out_or_new()
    {
        Trace trace = Build(
            new(RecordedOperation.Release, 0, 0, 0x9000, 0),
            new(RecordedOperation.ReallocateBegin, 0, 0, 0xa000, 32),
            new(RecordedOperation.ReallocateEnd, 0, 0, 0xb000, 32),
            new(RecordedOperation.None, 0, 0, 0, 0));

        Assert.Equal(TraceOperation.Allocate, Assert.Single(trace.Records).Operation);
    }

    [Fact]
    public void An_address_that_is_live_already_was_freed_unseen()
    {
        Trace trace = Build(
            new(RecordedOperation.Allocate, 0, 0, 0x1000, 16),
            new(RecordedOperation.Allocate, 0, 0, 0x1000, 32));
        Assert.Equal([TraceOperation.Allocate, TraceOperation.Free, TraceOperation.Allocate], trace.Records.Select(r => r.Operation));
    }

    [Fact]
    public void Blocks_beyond_what_a_trace_may_hold_are_left_out()
    {
        Trace trace = Build(
            new(RecordedOperation.Allocate, 40, 0, 0x1000, 16),
            new(RecordedOperation.Allocate, 0, 0, 0x2000, TraceLimits.ObjectBytesMax + 1),
            new(RecordedOperation.Release, 0, 0, 0x2000, 0),
            new(RecordedOperation.ReallocateBegin, 0, 0, 0x1000, TraceLimits.ObjectBytesMax + 1),
            new(RecordedOperation.ReallocateEnd, 0, 0, 0x3000, TraceLimits.ObjectBytesMax + 1));

        Assert.Equal([TraceOperation.Allocate, TraceOperation.Free], trace.Records.Select(r => r.Operation));
        Assert.Equal(TraceLimits.AlignmentLog2Max, trace.Records[0].AlignmentLog2);
    }

    [Fact]
    public void More_threads_than_a_trace_keeps_apart_share_their_numbers()
    {
        Trace trace = Build([.. Enumerable.Range(0, 300).Select(i => new RecordedEvent(RecordedOperation.Allocate, 0, (uint)i, 16 * (ulong)(i + 1), 16))]);
        Assert.Equal(256, trace.ThreadCount);
        Assert.Equal(300 - 256 - 1, trace.Records[^1].Thread);
    }

    [Fact]
    public void Without_a_record_there_is_no_file()
    {
        string path = Path.Combine(_folder, "none.nmtrace.gz");
        using (var writer = new TraceWriter(path))
        {
            Assert.False(new TraceBuilder(writer).Complete());
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Trace Build(params RecordedEvent[] events)
    {
        string path = Path.Combine(_folder, "some.nmtrace.gz");
        using (var writer = new TraceWriter(path))
        {
            var builder = new TraceBuilder(writer);
            foreach (RecordedEvent happened in events)
            {
                builder.Add(in happened);
            }

            Assert.True(builder.Complete());
        }

        Assert.Equal(path, Assert.Single(Directory.EnumerateFileSystemEntries(_folder)));
        return TraceReader.ReadFile(path);
    }
}

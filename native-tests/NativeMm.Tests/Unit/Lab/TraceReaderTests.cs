using NativeMm.Lab.Traces;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class TraceReaderTests
{
    private const int Allocate = 0;
    private const int Zeroed = 1;
    private const int Free = 2;
    private const int Reallocate = 3;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_good_trace_is_read_as_it_was_written(bool compressed)
    {
        byte[] bytes = Good().ToBytes();

        Trace trace = TraceImage.Read(compressed ? TraceImage.Compress(bytes) : bytes);

        Assert.Equal(4, trace.Records.Length);
        Assert.Equal(4, trace.ObjectCount);
        Assert.Equal(2, trace.ThreadCount);
        TraceRecord second = trace.Records[1];
        Assert.Equal((TraceOperation.AllocateZeroed, 1, 6, 1u, 100UL), (second.Operation, second.Thread, second.AlignmentLog2, second.Object, second.Size));
    }

    [Fact]
    public void A_trace_longer_than_the_first_buffer_is_read_whole()
    {
        var image = new TraceImage { Objects = 1 };
        for (int i = 0; i < 100_000; i++)
        {
            image.Add(Allocate, 0, (ulong)i).Add(Free, 0);
        }

        Trace trace = image.Read();

        Assert.Equal(200_000, trace.Records.Length);
        Assert.Equal(99_999UL, trace.Records[^2].Size);
    }

    [Fact]
    public void Every_truncation_is_refused_in_one_line_that_names_the_file()
    {
        byte[] bytes = Good().ToBytes();
        for (int length = 0; length < bytes.Length; length++)
        {
            AssertRefused(bytes[..length], length < 8 ? "not a trace" : "truncated");
        }
    }

    [Fact]
    public void Every_truncation_of_compressed_data_is_refused()
    {
        byte[] bytes = TraceImage.Compress(Good().ToBytes());
        int refused = 0;
        for (int length = 0; length < bytes.Length; length++)
        {
            // The end marker and the checksum may be cut without losing a record; nothing else may.
            refused += Record.Exception(() => TraceImage.Read(bytes[..length])) is InvalidDataException ? 1 : 0;
        }

        Assert.InRange(refused, bytes.Length - 10, bytes.Length);
    }

    [Fact]
    public void Random_damage_is_refused_or_leaves_a_trace_that_keeps_the_rules()
    {
        byte[] good = Good().ToBytes();
        int seed = Environment.TickCount;
        var random = new Random(seed);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bad = [.. good];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
            {
                bad[random.Next(bad.Length)] = (byte)random.Next(256);
            }

            Exception? thrown = Record.Exception(() => TraceImage.Read(bad));
            Assert.True(thrown is null or InvalidDataException, $"seed {seed}, round {i}: {thrown}");
        }
    }

    [Fact]
    public void Bytes_after_the_last_record_are_refused() => AssertRefused([.. Good().ToBytes(), 0], "after the last");

    [Fact]
    public void Damaged_compressed_data_is_refused()
    {
        byte[] bytes = TraceImage.Compress(Good().ToBytes());
        bytes[^12] ^= 0xff;
        Assert.Throws<InvalidDataException>(() => TraceImage.Read(bytes));
    }

    [Fact]
    public void Another_magic_is_refused() => AssertRefused(new TraceImage { Magic = "NMTRACE2" }.Add(Allocate, 0).ToBytes(), "not a trace");

    [Theory]
    [InlineData(0u, 4u, 2u, "0 records")]
    [InlineData(uint.MaxValue, 4u, 2u, "records")]
    [InlineData((1u << 26) + 1, 4u, 2u, "records")]
    [InlineData(null, 0u, 2u, "0 objects")]
    [InlineData(null, 5u, 2u, "5 objects")]
    [InlineData(null, uint.MaxValue, 2u, "objects")]
    [InlineData(null, 4u, 0u, "0 threads")]
    [InlineData(null, 4u, 257u, "257 threads")]
    public void Counts_outside_their_limits_are_refused(uint? records, uint objects, uint threads, string message)
    {
        var image = new TraceImage { Records = records, Objects = objects, Threads = threads };
        image.Add(Allocate, 0).Add(Free, 0).Add(Allocate, 0).Add(Free, 0);
        AssertRefused(image.ToBytes(), message);
    }

    [Fact]
    public void A_header_that_promises_a_gigabyte_is_refused_without_reserving_it()
    {
        byte[] bytes = new TraceImage { Records = TraceLimits.RecordsMax }.Add(Allocate, 0).ToBytes();
        long before = GC.GetAllocatedBytesForCurrentThread();
        AssertRefused(bytes, "truncated");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
    }

    public static TheoryData<int, uint, ulong, int, int, string> BadRecords => new()
    {
        { 4, 0, 16, 0, 0, "operation 4" },
        { 255, 0, 16, 0, 0, "operation 255" },
        { Allocate, 4, 16, 0, 0, "object 4" },
        { Allocate, uint.MaxValue, 16, 0, 0, "object 4294967295" },
        { Allocate, 0, 16, 2, 0, "thread 2" },
        { Allocate, 0, 16, 255, 0, "thread 255" },
        { Allocate, 0, 16, 0, 22, "alignment 2^22" },
        { Allocate, 0, 16, 0, 65535, "alignment 2^65535" },
        { Allocate, 0, (1UL << 36) + 1, 0, 0, "bytes" },
        { Zeroed, 0, ulong.MaxValue, 0, 0, "bytes" },
        { Free, 0, 0, 0, 0, "not allocated" },
        { Reallocate, 0, 32, 0, 0, "not allocated" },
        { Allocate, 1, 16, 0, 0, "live already" },
        { Allocate, 0, 1UL << 36, 0, 0, "live bytes" },
    };

    [Theory]
    [MemberData(nameof(BadRecords))]
    public void A_record_that_breaks_a_rule_is_refused_with_its_number(int operation, uint item, ulong size, int thread, int alignmentLog2, string message)
    {
        byte[] bytes = new TraceImage().Add(Allocate, 1).Add(Allocate, 2).Add(Allocate, 3).Add(operation, item, size, thread, alignmentLog2).ToBytes();
        AssertRefused(bytes, message);
        AssertRefused(bytes, "record 3");
    }

    [Fact]
    public void A_second_free_is_refused() =>
        AssertRefused(new TraceImage { Objects = 1 }.Add(Allocate, 0).Add(Free, 0).Add(Free, 0).ToBytes(), "not allocated");

    [Fact]
    public void Sizes_of_frees_mean_nothing() => Assert.Equal(2, new TraceImage { Objects = 1 }.Add(Allocate, 0).Add(Free, 0, ulong.MaxValue).Read().Records.Length);

    [Fact]
    public void The_traces_that_come_with_the_project_are_good()
    {
        foreach (string name in TraceLocator.Names)
        {
            Trace trace = TraceReader.ReadFile(TraceLocator.Find(name)!);
            Assert.Equal(name, trace.Name);
            Assert.True(trace.Records.Length > 100_000);
        }
    }

    private static TraceImage Good() => new TraceImage().Add(Allocate, 0).Add(Zeroed, 1, 100, 1, 6).Add(Reallocate, 0, 200).Add(Free, 1);

    private static void AssertRefused(byte[] bytes, string message)
    {
        InvalidDataException refusal = Assert.Throws<InvalidDataException>(() => TraceImage.Read(bytes));
        Assert.StartsWith("some trace: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }
}

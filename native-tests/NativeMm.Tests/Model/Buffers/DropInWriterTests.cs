using System.Buffers;
using NativeMm.Heap;
using NativeMm.Tests.Unit.Buffers;
using Xunit;

namespace NativeMm.Tests.Model.Buffers;

/// <summary>One script of calls against <see cref="ArrayBufferWriter{T}"/> and against ours: the same results, sizes and exceptions.</summary>
public sealed class DropInWriterTests
{
    private static readonly int[] s_sizes = [0, 1, 2, 3, 100, 255, 256, 257, 1000, 5000, -1, -5, int.MinValue];

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(1)]
    [InlineData(300)]
    public void A_writer_is_made_the_same_way(int capacity)
    {
        using var heap = NativeBufferTests.NewHeap();
        Assert.Equal(Made(() => DropInWriter.OfFramework(capacity)), Made(() => DropInWriter.OfOurs(capacity, heap)));
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(int.MaxValue - 3)]
    public void More_than_an_array_holds_is_refused_the_same_way_and_loses_nothing(int hint)
    {
        using var heap = NativeBufferTests.NewHeap();
        Assert.Equal(Refused(DropInWriter.OfFramework(null), hint), Refused(DropInWriter.OfOurs(null, heap), hint));
    }

    [Fact]
    public void Any_script_has_the_same_outcomes()
    {
        using var heap = NativeBufferTests.NewHeap();
        for (int seed = 0; seed < 200; seed++)
        {
            int? capacity = (seed % 3) switch { 0 => null, 1 => 1, _ => 77 };
            List<string> expected = Run(DropInWriter.OfFramework(capacity), seed);
            List<string> found = Run(DropInWriter.OfOurs(capacity, heap), seed);
            for (int i = 0; i < expected.Count; i++)
            {
                Assert.True(expected[i] == found[i], $"Seed {seed}, step {i}: {expected[i]} became {found[i]}.");
            }
        }
    }

    /// <summary>The block that the writer gets was somebody's before: what is not written still reads as zero, in the first block and after a growth.</summary>
    [Fact]
    public unsafe void Unwritten_memory_reads_as_zero_in_used_blocks_too()
    {
        using var heap = NativeBufferTests.NewHeap();
        foreach (nuint bytes in (nuint[])[1024, 2048, 4096, 8192])
        {
            var blocks = new nint[100];
            heap.AllocBulk(bytes, blocks);
            foreach (nint block in blocks)
            {
                new Span<byte>((void*)block, (int)bytes).Fill(0xEE);
            }

            heap.FreeBulk(blocks);
        }

        using DropInWriter writer = DropInWriter.OfOurs(null, heap);
        for (int growth = 0; growth < 3; growth++)
        {
            Span<int> room = writer.Writer.GetSpan(writer.Counts().Free + 1);
            Assert.True(room.IndexOfAnyExcept(0) < 0, $"After {growth} growths.");
            room.Fill(5);
            writer.Writer.Advance(room.Length);
        }
    }

    private static string Made(Func<DropInWriter> make) => Outcome.Of(() =>
    {
        using DropInWriter writer = make();
        return writer.Counts();
    });

    private static string Refused(DropInWriter writer, int hint)
    {
        using (writer)
        {
            writer.Writer.GetSpan()[0] = 42;
            writer.Writer.Advance(1);
            return Outcome.Of(() => writer.Writer.GetSpan(hint).Length) + Outcome.Of(() => writer.Writer.GetMemory(hint).Length)
                + writer.Counts() + writer.WrittenSpan()[0];
        }
    }

    private static List<string> Run(DropInWriter writer, int seed)
    {
        var random = new Random(seed);
        var log = new List<string>();
        var taken = new List<ReadOnlyMemory<int>>();
        using (writer)
        {
            for (int step = 0; step < 60; step++)
            {
                log.Add(Step(writer, random, taken) + " " + writer.Counts());
            }

            log.Add(Text(writer.WrittenSpan()));
            log.AddRange(taken.Select(memory => Text(memory.ToArray())));
        }

        return log;
    }

    private static string Step(DropInWriter writer, Random random, List<ReadOnlyMemory<int>> taken)
    {
        int size = s_sizes[random.Next(s_sizes.Length)];
        int value = random.Next();
        switch (random.Next(8))
        {
            case 0:
                return "advance: " + Outcome.Of(() => writer.Writer.Advance(size));
            case 1:
                return "span: " + Outcome.Of(() => Text(writer.Writer.GetSpan(size).ToArray()));
            case 2:
                return "memory: " + Outcome.Of(() => Text(writer.Writer.GetMemory(size).ToArray()));
            case 3:
                return "write by span: " + Outcome.Of(() => writer.Writer.GetSpan(size)[..size].Fill(value)) + Outcome.Of(() => writer.Writer.Advance(size));
            case 4:
                return "write by memory: " + Outcome.Of(() => writer.Writer.GetMemory(size).Span[..size].Fill(value)) + Outcome.Of(() => writer.Writer.Advance(size));
            case 5:
                taken.Add(writer.WrittenMemory());
                return "take: " + Text(taken[^1].ToArray());
            case 6 when value % 4 == 0:
                writer.Clear();
                return "clear";
            case 7 when value % 4 == 0:
                writer.Reset();
                return "reset";
            default:
                return "written: " + Text(writer.WrittenSpan());
        }
    }

    private static string Text(int[] elements)
    {
        var hash = new HashCode();
        foreach (int element in elements)
        {
            hash.Add(element);
        }

        return $"{elements.Length} elements, {hash.ToHashCode()}";
    }
}

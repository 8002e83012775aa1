using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;
using NativeMm.Tests.Unit.Checked;
using Xunit;

namespace NativeMm.Tests.Model.Checked;

/// <summary>The checked mode against a naive model, with mistakes made on purpose: each is found, and nothing else is.</summary>
public sealed unsafe class CheckedBlocksModelTests
{
    [Fact]
    public void Any_sequence_of_calls_and_mistakes_is_judged_as_the_model_does()
    {
        int first = Environment.TickCount;
        for (int seed = first; seed < first + 20; seed++)
        {
            Run(seed);
        }
    }

    private static void Run(int seed)
    {
        var random = new Random(seed);
        var raw = new RawNativeHeap();
        var heap = new CheckedBlocks(raw, new CheckedOptions { QuarantineBytesMax = 8192, RedZoneBytes = random.Next(2, 70), Leaks = LeakPolicy.Ignore });
        var live = new List<(nint Block, int Bytes, byte Value)>();
        var freed = new Queue<nint>();
        for (int step = 0; step < 1000; step++)
        {
            string at = $"seed {seed}, step {step}";
            int choice = live.Count == 0 ? 0 : random.Next(10);
            int index = live.Count == 0 ? 0 : random.Next(live.Count);
            if (choice <= 3)
            {
                int bytes = random.Next(400);
                live.Add(Filled((byte*)heap.Alloc((nuint)bytes, (nuint)(1 << random.Next(8)), random.Next(2) == 0), bytes, random));
            }
            else if (choice <= 6)
            {
                Check(live[index], at);
                heap.Free((void*)live[index].Block);
                freed.Enqueue(live[index].Block);
                live.RemoveAt(index);
            }
            else if (choice == 7)
            {
                (nint block, int bytes, byte value) = live[index];
                int newBytes = random.Next(400);
                byte* moved = (byte*)heap.Realloc((void*)block, (nuint)newBytes);
                Check(((nint)moved, Math.Min(bytes, newBytes), value), at);
                live[index] = Filled(moved, newBytes, random);
                freed.Enqueue(block);
            }
            else if (choice == 8)
            {
                (nint block, int bytes, _) = live[index];
                nint inside = block + 1 + random.Next(bytes + 1);
                MemoryFaultKind kind = Fault(() => heap.Free((void*)inside), at);

                // What was a block's start once is taken for the stale pointer that it probably is.
                Assert.True(kind == (freed.Contains(inside) ? MemoryFaultKind.DoubleFree : MemoryFaultKind.NotBlockStart), $"{at}: {kind}");
            }
            else if (freed.Count > 0)
            {
                MemoryFaultKind kind = Fault(() => heap.Free((void*)freed.Last()), at);
                Assert.True(kind == MemoryFaultKind.DoubleFree, $"{at}: {kind}");
            }

            // An address that lives again is no double free any more.
            freed = new Queue<nint>(freed.Where(old => live.TrueForAll(block => block.Block != old)));
            Assert.True(heap.Statistics.LiveBlocks == live.Count, at);
            Assert.True(heap.Statistics.LiveBytes == (ulong)live.Sum(block => block.Bytes), at);
        }

        heap.Validate();
        heap.Dispose();
        Assert.Equal(0, raw.Outstanding);
    }

    private static (nint Block, int Bytes, byte Value) Filled(byte* block, int bytes, Random random)
    {
        byte value = (byte)random.Next(256);
        new Span<byte>(block, bytes).Fill(value);
        return ((nint)block, bytes, value);
    }

    private static void Check((nint Block, int Bytes, byte Value) piece, string at) =>
        Assert.True(new Span<byte>((void*)piece.Block, piece.Bytes).IndexOfAnyExcept(piece.Value) < 0, $"{at}: the content changed.");

    private static MemoryFaultKind Fault(Action mistake, string at)
    {
        try
        {
            mistake();
        }
        catch (MemoryFaultException fault)
        {
            return fault.Kind;
        }

        Assert.Fail($"{at}: the mistake went unnoticed.");
        return default;
    }
}

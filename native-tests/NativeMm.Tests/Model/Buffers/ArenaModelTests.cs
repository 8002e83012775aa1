using NativeMm.Buffers;
using NativeMm.Heap;
using Xunit;

namespace NativeMm.Tests.Model.Buffers;

/// <summary>The arena against a naive model: a list of live pieces with their bytes, cut back by marks.</summary>
public sealed unsafe class ArenaModelTests
{
    [Fact]
    public void Any_sequence_of_calls_keeps_live_pieces_whole()
    {
        int first = Environment.TickCount;
        for (int seed = first; seed < first + 50; seed++)
        {
            Run(seed);
        }
    }

    private static void Run(int seed)
    {
        var random = new Random(seed);
        using var heap = new NativeHeap();
        using var arena = new Arena(heap, new ArenaOptions { FirstChunkBytes = 256, ChunkBytesMax = 4096 }, poison: true);
        var live = new List<(nint Block, int Bytes, byte Value)>();
        var marks = new List<(ArenaMark Mark, int Live)>();
        var gone = new List<ArenaMark>();
        for (int step = 0; step < 300; step++)
        {
            switch (random.Next(20))
            {
                case 0:
                    arena.Reset();
                    live.Clear();
                    marks.Clear();
                    gone.Clear();
                    break;
                case 1 or 2:
                    // A mark that is gone stands for the next one at its place, so of those only what no new mark may have met is tried.
                    marks.Add((arena.Mark(), live.Count));
                    gone.Clear();
                    break;
                case 3 or 4 when marks.Count > 0:
                    int index = random.Next(marks.Count);
                    arena.Rewind(marks[index].Mark);
                    live.RemoveRange(marks[index].Live, live.Count - marks[index].Live);
                    gone.AddRange(marks.Skip(index + 1).Select(entry => entry.Mark));
                    marks.RemoveRange(index + 1, marks.Count - index - 1);
                    break;
                case 5 when gone.Count > 0:
                    Assert.Throws<InvalidOperationException>(() => arena.Rewind(gone[random.Next(gone.Count)]));
                    break;
                default:
                    int bytes = random.Next(8) == 0 ? random.Next(6000) : random.Next(100);
                    byte value = (byte)random.Next(256);
                    byte* block = (byte*)arena.Alloc((nuint)bytes, (nuint)(1 << random.Next(7)));
                    new Span<byte>(block, bytes).Fill(value);
                    live.Add(((nint)block, bytes, value));
                    break;
            }

            foreach ((nint block, int bytes, byte value) in live)
            {
                Assert.True(new Span<byte>((void*)block, bytes).IndexOfAnyExcept(value) < 0, $"seed {seed}, step {step}: a live piece was overwritten.");
            }

            Assert.True(arena.Statistics.AllocatedBytes == live.Sum(piece => (long)piece.Bytes), $"seed {seed}, step {step}: the count is off.");
        }
    }
}

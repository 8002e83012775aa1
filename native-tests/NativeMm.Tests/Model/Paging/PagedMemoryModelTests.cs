using NativeMm.AddressSpaces;
using NativeMm.Buffers;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Model.Paging;

/// <summary>A paged memory is an array of bytes, and a snapshot is a copy of it.</summary>
public sealed class PagedMemoryModelTests
{
    private const int Length = (600 * 4096) + 1234;
    private const int Steps = 600;

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public void Equals_an_array_of_bytes(int seed, bool withFile)
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20 });
        using FaultyBackingFile? file = withFile ? new FaultyBackingFile() : null;
        using var memory = new PagedMemory(Length, new PagedMemoryOptions { ResidentBytes = 1 << 20, CompressedBytes = withFile ? 256 << 10 : 0 }, runtime, file);
        using var images = new Images();
        var random = new Random(seed);
        byte[] model = new byte[Length];
        for (int step = 0; step < Steps; step++)
        {
            int length = random.Next(1, 1 << random.Next(1, 17));
            int offset = random.Next(Length - length);
            switch (random.Next(8))
            {
                case 0 or 1 or 2:
                    Content(random, length, withFile).CopyTo(model.AsSpan(offset));
                    memory.Write(offset, model.AsSpan(offset, length));
                    break;
                case 3:
                    memory.Discard(offset, length);
                    model.AsSpan(offset, length).Clear();
                    break;
                case 4:
                    using (WriteLease lease = memory.LeaseWrite(offset, length))
                    {
                        lease.Span.Fill((byte)step);
                        model.AsSpan(offset, lease.Span.Length).Fill((byte)step);
                    }

                    break;
                case 5 when random.Next(10) == 0:
                    images.Add(memory.Snapshot(), [.. model], step);
                    break;
                default:
                    byte[] read = new byte[length];
                    memory.Read(offset, read);
                    Assert.True(read.AsSpan().SequenceEqual(model.AsSpan(offset, length)), $"seed {seed}, step {step}: {length} bytes at {offset}");
                    break;
            }
        }

        byte[] all = new byte[Length];
        memory.Read(0, all);
        Assert.True(all.AsSpan().SequenceEqual(model), $"seed {seed}: all");
        images.Check(seed);
    }

    /// <summary>Bytes of one kind: they repeat, compress, or do not, which is for memories that have a file.</summary>
    private static byte[] Content(Random random, int length, bool mayBeIncompressible)
    {
        int bytes = (length + 7) / 8 * 8;
        return [.. (random.Next(mayBeIncompressible ? 3 : 2) switch
        {
            0 => SamplePages.Same(bytes, (ulong)random.NextInt64()),
            1 => SamplePages.Compressible(bytes, random.Next()),
            _ => SamplePages.Incompressible(bytes, random.Next()),
        }).Take(length)];
    }

    private sealed class Images : IDisposable
    {
        private readonly List<(PagedSnapshot Image, byte[] Model, int Step)> _all = [];

        public void Add(PagedSnapshot image, byte[] model, int step) => _all.Add((image, model, step));

        public void Check(int seed)
        {
            foreach ((PagedSnapshot image, byte[] model, int step) in _all)
            {
                using var copy = new MemoryStream();
                image.CopyTo(copy);
                Assert.True(copy.ToArray().AsSpan().SequenceEqual(model), $"seed {seed}: the image of step {step}");
            }
        }

        public void Dispose() => _all.ForEach(entry => entry.Image.Dispose());
    }
}

using NativeMm.AddressSpaces;
using NativeMm.Tests.Support;
using Xunit;
using static NativeMm.Tests.Unit.AddressSpaces.FaultFixture;

namespace NativeMm.Tests.Concurrency.AddressSpaces;

/// <summary>
/// Writers beside somebody who takes the right to write away and gives it back. Each writer has a word of its own in each page, and says what it is about to
/// write there and what it has written.
/// </summary>
internal sealed class ProtectionRace
{
    public const int Writers = 2;
    private const int Pages = 8;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    private readonly AddressSpace _space;
    private readonly long _area;
    private readonly long[] _begun = new long[Writers * Pages];
    private readonly long[] _written = new long[Writers * Pages];
    private long _refusals;
    private long _successes;

    public ProtectionRace(AddressSpace space)
    {
        _space = space;
        _area = space.Map(Pages * Page, Protection.ReadWrite);
    }

    /// <summary>Writes until it is told to end.</summary>
    /// <param name="writer">From 1 on.</param>
    /// <param name="goesOn">Whether to go on.</param>
    public void Write(int writer, Func<bool> goesOn)
    {
        for (long value = 1; goesOn(); value++)
        {
            int word = (int)(value % Pages * Writers) + writer - 1;
            try
            {
                Volatile.Write(ref _begun[word], value);
                _space.Write(AddressOf(word), value);
                Volatile.Write(ref _written[word], value);
                Interlocked.Increment(ref _successes);
            }
            catch (AddressFaultException fault)
            {
                Assert.Equal(Protection.Read, fault.Protection);
                Interlocked.Increment(ref _refusals);
            }
        }
    }

    /// <summary>Takes the right away and gives it back. While it is away each word is what was last written before, and stays so.</summary>
    public void TakeAndGive(int rounds)
    {
        long[] found = new long[_written.Length];
        for (int round = 0; round < rounds; round++)
        {
            AwaitMore(ref _successes, "Nobody wrote although it was allowed.");
            _space.Protect(_area, Pages * Page, Protection.Read);
            for (int word = 0; word < found.Length; word++)
            {
                long written = Volatile.Read(ref _written[word]);
                found[word] = _space.Read<long>(AddressOf(word));
                Assert.True(found[word] >= written, $"Word {word}: {written} was written before the right went, and {found[word]} is there.");
                Assert.True(found[word] <= Volatile.Read(ref _begun[word]), $"Word {word}: nobody wrote {found[word]}.");
            }

            AwaitMore(ref _refusals, "Nobody was refused.");
            for (int word = 0; word < found.Length; word++)
            {
                long written = Volatile.Read(ref _written[word]);
                Assert.Equal(found[word], _space.Read<long>(AddressOf(word)));
                Assert.True(written <= found[word], $"Word {word}: {written} was written although only {found[word]} was allowed.");
            }

            _space.Protect(_area, Pages * Page, Protection.ReadWrite);
        }
    }

    private static void AwaitMore(ref long count, string otherwise)
    {
        // One of each writer may be from before; one more is not.
        long enough = Volatile.Read(ref count) + Writers + 1;
        var wait = default(SpinWait);
        long end = Environment.TickCount64 + (long)s_timeout.TotalMilliseconds;
        while (Volatile.Read(ref count) < enough)
        {
            Assert.True(Environment.TickCount64 < end, otherwise);
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    private long AddressOf(int word) => _area + (word / Writers * (long)Page) + (8 * (word % Writers));
}

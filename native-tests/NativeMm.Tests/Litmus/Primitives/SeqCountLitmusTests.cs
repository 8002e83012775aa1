using System.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace NativeMm.Tests.Litmus;

public sealed class SeqCountLitmusTests(ITestOutputHelper output)
{
    private const int Words = 8;
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(1);

    [Fact]
    public void Validated_read_is_never_torn()
    {
        (LitmusVerdict verdict, string text) = Run(checkAgain: true);
        output.WriteLine(text);
        Assert.True(verdict != LitmusVerdict.Violation, text);
    }

    [Fact]
    public void Control_that_does_not_look_again_is_caught()
    {
        (LitmusVerdict verdict, string text) = Run(checkAgain: false);
        output.WriteLine(text);
        Assert.True(verdict != LitmusVerdict.Pass, text);
    }

    private static (LitmusVerdict Verdict, string Text) Run(bool checkAgain)
    {
        var shared = new Shared();
        long end = Stopwatch.GetTimestamp() + (long)(s_duration.TotalSeconds * Stopwatch.Frequency);
        long torn = 0;
        long disturbed = 0;
        long good = 0;
        StartGate.Run(2, thread =>
        {
            for (int value = 1; Stopwatch.GetTimestamp() < end; value++)
            {
                if (thread == 0)
                {
                    shared.Write(value);
                }
                else
                {
                    bool taken = shared.TryRead(out bool whole, out bool unchanged);
                    good += taken && unchanged ? 1 : 0;
                    disturbed += taken && unchanged ? 0 : 1;
                    torn += taken && !whole && (unchanged || !checkAgain) ? 1 : 0;
                }
            }
        });

        // Reads that a writer disturbed are the evidence that the two met.
        LitmusVerdict verdict = LitmusEvidence.Judge(torn, long.Min(disturbed, good));
        return (verdict, $"{verdict}: good {good}, disturbed {disturbed}, torn {torn}");
    }

    private sealed class Shared
    {
        private readonly int[] _words = new int[Words * 16];
        private SeqCount _count;

        public void Write(int value)
        {
            _count.BeginWrite();
            for (int i = 0; i < Words; i++)
            {
                _words[i * 16] = value;
            }

            _count.EndWrite();
        }

        public bool TryRead(out bool whole, out bool unchanged)
        {
            whole = true;
            unchanged = false;
            if (!_count.TryBeginRead(out ulong version))
            {
                return false;
            }

            int first = _words[0];
            for (int i = 1; i < Words; i++)
            {
                whole &= _words[i * 16] == first;
            }

            unchanged = _count.IsUnchanged(version);
            return true;
        }
    }
}

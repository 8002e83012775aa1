using NativeMm.Eviction;
using Xunit;

namespace NativeMm.Tests.Unit.Eviction;

public sealed class ReuseClockPolicyTests() : ReplacementPolicyContractTests(new PolicyUnderTest<ReuseClockPolicy>())
{
    [Fact]
    public void Words_change_only_as_their_note_says()
    {
        for (uint bits = 0; bits < 1024; bits++)
        {
            foreach (ushort stamp in new ushort[] { 0, 1, 0x7FFF, ushort.MaxValue })
            {
                var word = new ReuseWord(bits | ((uint)stamp << 16));
                Assert.Equal((ReuseState)(bits & 3), word.State);
                Assert.Equal(stamp, word.Stamp);
                Assert.Equal((word.State, false, word.Uses, word.IsProven, stamp), Parts(word.Seen()));
                bool isProtected = word.State == ReuseState.Protected;
                uint uses = isProtected ? Math.Min(63, word.Uses + 1) : 0;
                Assert.Equal((word.State, false, uses, isProtected && (word.IsProven || !word.IsFresh), (ushort)7), Parts(word.Used(7)));
                Assert.Equal((ReuseState.Selected, false, 0u, false, stamp), Parts(word.Chosen()));
                Assert.Equal((word.State, word.IsFresh, word.Uses, word.IsProven, (ushort)9), Parts(word.Restamped(9)));
                Assert.Equal(isProtected && !word.IsFresh, word.IsCounted);
                Assert.Equal(word.Uses < 63, word.CanBeUsedMore);
                if (word.Uses != 0)
                {
                    Assert.Equal((word.State, false, word.Uses - 1, word.IsProven, stamp), Parts(word.Spared()));
                }
            }
        }

        Assert.Equal((ReuseState.Protected, false, 0u, false, (ushort)5), Parts(ReuseWord.Promoted(5)));
        Assert.Equal((ReuseState.Probation, true, 0u, false, (ushort)5), Parts(ReuseWord.Inserted(ReuseState.Probation, 5)));
    }

    [Fact]
    public void Counts_are_those_of_the_words_whatever_happens()
    {
        using var policy = new PolicyUnderTest<ReuseClockPolicy>();
        var random = new Random(11);
        for (int i = 0; i < 20_000; i++)
        {
            uint number = (uint)random.Next(64);
            switch (random.Next(4))
            {
                case 0:
                    policy.Remove(number);
                    break;
                case 1:
                    policy.Remove(number);
                    policy.Insert(number, (uint)random.Next(1024));
                    break;
                default:
                    SelectAndDecide(policy, random);
                    break;
            }
        }

        Assert.True(policy.Policy.CountsAgree());
    }

    private static (ReuseState State, bool Fresh, uint Uses, bool Proven, ushort Stamp) Parts(ReuseWord word) =>
        (word.State, word.IsFresh, word.Uses, word.IsProven, word.Stamp);

    private static void SelectAndDecide(PolicyUnderTest policy, Random random)
    {
        foreach (uint victim in policy.Select(random.Next(1, 9), _ => random.Next(2) == 0))
        {
            if (random.Next(3) == 0)
            {
                policy.PutBack(victim);
            }
            else
            {
                Assert.InRange(policy.Evicted(victim), 1u, 1023u);
            }
        }
    }
}

using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class LockTests
{
    public static TheoryNames Names => LockUnderTest.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Held_lock_is_not_taken_again_until_it_is_given_up(string name)
    {
        LockUnderTest subject = LockUnderTest.Create(name);
        Assert.False(subject.IsHeld);
        for (int round = 0; round < 3; round++)
        {
            Assert.True(subject.TryEnter());
            Assert.True(subject.IsHeld);
            Assert.False(subject.TryEnter());
            StartGate.Run(1, _ => Assert.False(subject.TryEnter()));
            subject.Exit();
            Assert.False(subject.IsHeld);
            subject.Enter();
            Assert.True(subject.IsHeld);
            Assert.False(subject.TryEnter());
            subject.Exit();
        }

        Assert.False(subject.IsHeld);
        Assert.Equal(6, subject.Snapshot()?.Acquisitions ?? 6);
        Assert.Equal(6, subject.Snapshot()?.Hold.Count ?? 6);
        Assert.Equal(0, subject.Snapshot()?.Contentions ?? 0);
    }
}

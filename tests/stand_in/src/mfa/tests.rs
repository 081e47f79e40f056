//! Windows, budgets and drifts, without a server.

use chrono::TimeDelta;

use super::*;

/// The begin of a three-minute window, and so of a step.
fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn code(device: &Device, offset: i64) -> String {
    device.code(device.step_at(noon()) + offset).unwrap()
}

#[test]
fn codes_are_good_two_steps_either_way() {
    let device = Device::new("GAHT12345678");
    for (offset, good) in [
        (-3, false),
        (-2, true),
        (-1, true),
        (0, true),
        (1, true),
        (2, true),
        (3, false),
    ] {
        let mut verifications = Verifications::default();
        let result = verifications.verify(&device, &code(&device, offset), noon());
        assert_eq!(result.is_ok(), good, "{offset}");
    }
}

#[test]
fn a_code_works_once_and_leaves_the_others_alone() {
    let device = Device::new("GAHT12345678");
    let mut verifications = Verifications::default();
    for (offset, good) in [(0, true), (0, false), (-1, true), (1, true), (-1, false)] {
        let result = verifications.verify(&device, &code(&device, offset), noon());
        let expected = if good {
            Ok(())
        } else {
            Err(AwsError::invalid_code())
        };
        assert_eq!(result, expected, "{offset}");
    }
}

#[test]
fn the_tenth_try_in_three_minutes_locks_the_device_out() {
    let (device, other) = (Device::new("GAHT12345678"), Device::new("GAHT87654321"));
    let mut verifications = Verifications::default();
    verifications
        .verify(&device, &code(&device, 0), noon())
        .unwrap();
    for _ in 0..8 {
        let result = verifications.verify(&device, "wrong", noon());
        assert_eq!(result, Err(AwsError::invalid_code()));
    }
    let late = noon() + TimeDelta::seconds(59);
    for _ in 0..2 {
        let result = verifications.verify(&device, &code(&device, 1), late);
        assert_eq!(result, Err(AwsError::unable_to_validate_code()));
    }
    verifications
        .verify(&other, &code(&other, 0), noon())
        .unwrap();

    let next_window = noon() + TimeDelta::minutes(3);
    let result = verifications.verify(&device, &code(&device, 6), next_window);
    assert_eq!(result, Ok(()));
}

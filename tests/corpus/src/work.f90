program work
  real(8) :: a(700,700), b(700,700), s
  integer :: i, j, k
  do j = 1, 700
    do i = 1, 700
      a(i,j) = mod(i*j, 17); b(i,j) = mod(i+j, 13)
    end do
  end do
  s = 0
  do k = 1, 24
  !$omp parallel do reduction(+:s)
  do i = 1, 700
    s = s + sum(matmul(a(i:i,:), b))
  end do
  end do
  print '(F20.1)', s
end program
